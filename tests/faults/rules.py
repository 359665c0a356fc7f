"""The fifteen rules of DESIGN §4, each with how it can be taken out of the code and the test that is red then.

`python -m tests.faults.rules` takes each out of a copy of this checkout, runs its test, and wants it to fail.
`test_rules.py` watches that every line named here still stands where it is said to.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Removal:
    """A rule taken out: `found` in `path` is replaced by `put`, and `test` has to fail."""

    rule: int
    what: str
    path: str
    found: str
    put: str
    test: str
    needs: str = ""
    """`kafka` where the test needs brokers."""


_UNIT, _LOG, _STORE = "tests/unit", "tests/contract/log", "tests/contract/store"
_INTAKE = "tests/integration/test_intake_guarantees.py"
_ROUTER = "tests/integration/router/test_opening.py"
_RULES = "tests/integration/test_rules_of_delivery.py"

REMOVALS = (
    Removal(1, "a case's id is a function of its message's", "shared/ids.py",
            "return message_id[:13] + str(uuid_utils.uuid5(_CASES, message_id))[13:]", "return str(uuid_utils.uuid7())",
            f"{_ROUTER}::test_a_repeat_opens_no_second_case"),
    Removal(1, "an event's id is a function of what it follows from", "shared/ids.py",
            'return str(uuid_utils.uuid5(_EVENTS, f"{source_event_id}/{event_type}"))', "return str(uuid_utils.uuid7())",
            f"{_RULES}::test_the_same_message_classified_twice_is_the_same_event"),
    Removal(2, "a number that is not greater has no effect", "services/intake/following.py",
            "    if sequence <= last:", "    if False:",
            f"{_INTAKE}::test_events_of_a_case_take_effect_once_and_in_order"),
    Removal(2, "events are numbered one after the other", "shared/store/outbox.py",
            "document.sequence += 1", "document.sequence += 2",
            f"{_UNIT}/store/test_history.py::test_events_are_numbered_after_the_last"),
    Removal(3, "no replace lowers what is published", "shared/store/sqlite_table.py",
            'if column not in ("id", "published"))', 'if column != "id")',
            f"{_STORE}/test_pending.py::test_a_replace_cannot_change_what_is_published[sqlite]"),
    Removal(3, "a mark only rises", "shared/store/sqlite_table.py",
            " AND published < column2", "",
            f"{_STORE}/test_pending.py::test_published_only_rises_and_leaves_the_version[sqlite]"),
    Removal(3, "what a tail drops is kept first", "shared/store/outbox.py",
            "    if dropped:\n", "    if False:\n",
            f"{_UNIT}/store/test_history.py::test_a_tail_keeps_what_is_unpublished_and_the_last_fifty"),
    Removal(3, "a refused event stops its own case only", "shared/store/relay.py",
            "                await self._refuse_each(due, error)\n", "                raise\n",
            f"{_UNIT}/store/test_relay.py::test_a_refused_event_stops_only_its_own_document"),
    Removal(4, "a case begins at its first unpublished event", "shared/store/relay.py",
            "for sequence in range(published + 1,", "for sequence in range(document.sequence,",
            f"{_UNIT}/store/test_relay.py::test_many_writers_and_a_flickering_log_keep_every_document_in_order"),
    Removal(4, "a group begins at the earliest record", "shared/log/kafka_consumer.py",
            'auto_offset_reset="earliest"', 'auto_offset_reset="latest"',
            f"{_LOG}/test_consume.py::test_a_new_group_starts_at_the_earliest_record[kafka]", "kafka"),
    Removal(5, "a message nobody was heard of is published again", "services/intake/worker.py",
            "            await self._log.publish([record for one in mine for record in store.to_records(one, one.tail[-1])])\n", "",
            f"{_INTAKE}::test_a_message_that_nobody_was_heard_of_is_published_again_and_counted_missing_at_last"),
    Removal(5, "and not while it merely waits in a backlog", "services/intake/worker.py",
            "if not due or await self.downstream_is_behind():", "if not due:",
            f"{_RULES}::test_a_backlog_is_not_published_twice"),
    Removal(5, "a turn nobody accepted is told again", "services/router/redelivery.py",
            "return await self._records(document, leg) if times > told else []", "return []",
            f"{_ROUTER}::test_a_turn_that_nobody_takes_up_is_told_again"),
    Removal(6, "what follows a dead letter of its case waits behind it", "shared/log/deadletters.py",
            "return record.key is not None and record.key in", "return False and record.key in",
            f"{_RULES}::test_what_follows_a_dead_letter_waits_and_others_flow"),
    Removal(6, "a dependency's trouble counts no attempt", "shared/log/loop.py",
            "            except Transient:\n                raise\n            except Exception as error:\n                if len",
            "            except Exception as error:\n                if len",
            f"{_RULES}::test_a_dependency_in_trouble_makes_no_dead_letter"),
    Removal(7, "a commit under an old epoch is refused", "shared/log/sqlite_groups.py",
            "AND holder = ? AND epoch = ?", "AND (holder = ? OR epoch = ? OR 1)",
            f"{_LOG}/test_groups.py::test_a_member_that_slept_too_long_cannot_move_a_commit_back[sqlite]"),
    Removal(7, "leases know nothing of the wall clock", "shared/clock.py",
            'return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()',
            "return now().timestamp()",
            f"{_RULES}::test_a_lease_outlives_a_step_of_the_clock"),
    Removal(7, "offsets come from a counter", "shared/log/sqlite_writer.py",
            '"SELECT next_offset FROM partitions WHERE id = ?", (partition_id,))[0][0])',
            '"SELECT coalesce(max(id) & 1099511627775, -1) + 1 FROM records WHERE id >> 40 = ?", (partition_id,))[0][0])',
            f"{_RULES}::test_an_offset_is_never_given_out_twice"),
    Removal(8, "a department's topic has one partition", "shared/events/catalog.py",
            "TopicSpec(department_topic(code), partitions=1)", "TopicSpec(department_topic(code))",
            f"{_RULES}::test_a_departments_topic_has_one_order"),
    Removal(9, "what is in flight is counted", "services/intake/accounts.py",
            '"in_flight": real["received"] + test["received"],', '"in_flight": 0,',
            f"{_RULES}::test_what_is_in_flight_is_counted"),
    Removal(9, "a minute's count and XOR name the ids", "services/router/account.py",
            'mixed ^ UUID(document.body["message_id"]).int', "mixed",
            f"{_ROUTER}::test_the_audit_of_a_minute"),
    Removal(10, "a log that is away does not make intake unready", "services/intake/app.py",
            'vital={"store": documents.check}, others=others', 'vital={"store": documents.check, **others}, others={}',
            f"{_INTAKE}::test_messages_are_taken_in_while_the_log_is_away_and_published_later"),
    Removal(11, "a record stays until every group has passed it", "shared/log/sqlite.py",
            "floor = min((committed[group].get(partition, 0) for group in readers), default=ends[partition_id])",
            "floor = ends[partition_id]",
            f"{_LOG}/test_consume.py::test_trim_keeps_what_a_group_has_not_passed[sqlite]"),
    Removal(11, "Kafka keeps 30 days", "shared/log/kafka_cluster.py",
            "max(spec.retention_hours, _MIN_RETENTION_HOURS)", "spec.retention_hours",
            f"{_LOG}/test_kafka_log.py::test_topics_keep_records_thirty_days_at_least[kafka]", "kafka"),
    Removal(12, "the external id claims, with a key too", "services/intake/preparing.py",
            "claims = [store.external_claim(draft.channel, external, test=draft.test)] if external else []",
            "claims = [store.external_claim(draft.channel, external, test=draft.test)] if external and not key else []",
            f"{_RULES}::test_either_key_alone_finds_the_submission"),
    Removal(12, "the key claims, with an external id too", "services/intake/preparing.py",
            "*([store.idempotency_claim(draft.channel, key, test=draft.test)] if key else [])",
            "*([store.idempotency_claim(draft.channel, key, test=draft.test)] if key and not external else [])",
            f"{_RULES}::test_either_key_alone_finds_the_submission"),
    Removal(13, "a message is at most 256 KB", "services/intake/preparing.py",
            "> MAX_MASKED_BYTES:", "> 100 * MAX_MASKED_BYTES:",
            "tests/integration/test_intake_bad_input.py::test_a_bad_message_is_refused_with_what_to_change"),
    Removal(14, "a partition count never changes", "shared/log/sqlite.py",
            "created = [topic for topic in topics if topic.name not in known]", "created = list(topics)",
            f"{_LOG}/test_publish.py::test_topics_are_created_once_and_keep_their_partitions[sqlite]"),
    Removal(15, "events carry the pack's version", "shared/events/envelope.py",
            '"ce_packversion": event.pack_version', '"ce_packversion": None',
            f"{_RULES}::test_every_event_of_a_message_names_the_pack"),
    Removal(15, "a retired department's cases stay readable", "services/router/account.py",
            "return tuple(department_topic(department.code) for department in pack.departments)",
            "return tuple(department_topic(department.code) for department in pack.departments if not department.retired)",
            f"{_RULES}::test_a_retired_department_keeps_its_feed"),
)  # fmt: skip


def main() -> int:
    """Take out each rule that was asked for; 1 when a test does not notice."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rules", description=__doc__)
    parser.add_argument("--rule", type=int, action="append", help="only this one; repeatable")
    parser.add_argument("--without", default="", help="leave out what needs this (kafka)")
    given = parser.parse_args()
    wanted = [
        one for one in REMOVALS if (not given.rule or one.rule in given.rule) and (not one.needs or one.needs != given.without)
    ]
    unnoticed = [one for one in wanted if not _noticed(one)]
    print(f"{len(wanted) - len(unnoticed)} of {len(wanted)} removals are noticed")
    return 1 if unnoticed else 0


def _noticed(one: Removal) -> bool:
    """Whether its test fails without the rule."""
    with tempfile.TemporaryDirectory(prefix="yijian-rule-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        path = copy / one.path
        path.write_text(path.read_text().replace(one.found, one.put))
        red = _run(copy, one.test) == 1
    print(f"{'red' if red else 'GREEN'}  {one.rule:2}  {one.what}: {one.test}", flush=True)
    return red


def _copy_to(folder: Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    if (ROOT / ".kafka").exists():
        (folder / ".kafka").symlink_to(ROOT / ".kafka")


def _run(folder: Path, test: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", test]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
