"""That the audit finds what it is there to find: each promise broken in made-up evidence, and the story told of it."""

from collections.abc import Callable

import pytest

from shared import ids
from shared.events.catalog import CASES, MESSAGES, department_topic
from tests.faults.audit import audit
from tests.faults.evidence import Evidence, Told
from tests.faults.ledger import Act, Ledger
from tests.faults.story import story

DEPARTMENT = "city-water"
FIRST, SECOND = ids.new_id(), ids.new_id()


def told(topic: str, message_id: str, sequence: int, kind: str = "opened", at: float = 1.0) -> Told:
    subject = message_id if topic == MESSAGES else ids.case_id(message_id)
    return Told(topic, 0, sequence, at, f"{subject}/{sequence}", f"yijian.case.{kind}.v1", subject, sequence, message_id)


def sound() -> tuple[Ledger, Evidence]:
    """Two messages, each with its case at a department, one of them accepted."""
    ledger, evidence = Ledger(), Evidence()
    topic = department_topic(DEPARTMENT)
    evidence.topics = {MESSAGES: [], CASES: [], topic: []}
    evidence.feeds = {DEPARTMENT: []}
    for message_id in (FIRST, SECOND):
        ledger.new({"external_id": message_id}, None).accepted(message_id, 1)
        evidence.statuses[message_id] = {"status": "department"}
        evidence.cases.append({"message_id": message_id, "disposition": "department", "revision": 1})
        evidence.topics[MESSAGES].append(told(MESSAGES, message_id, 1))
        evidence.topics[CASES] += [told(CASES, message_id, 1), told(CASES, message_id, 2, "routed")]
        evidence.topics[topic].append(told(CASES, message_id, 2, "routed"))
        evidence.feeds[DEPARTMENT].append((ids.case_id(message_id), 2))
        evidence.histories[message_id] = ["opened", "routed"]
    ledger.happened("kill -9 of the router")
    evidence.accounts = {
        "intake": {"accepted": {"real": 2}, "statuses": {"real": {"department": 2}}, "in_flight": 0, "missing": 0},
        "router": {"opened": {"real": 2}, "dispositions": {"real": {"department": 2}}, "dead": 0, "parked": 0},
    }
    return ledger, evidence


BROKEN: dict[str, tuple[str, Callable[[Ledger, Evidence], object]]] = {
    "a submission that never got its 202": ("lost", lambda ledger, _: ledger.new({}, None)),
    "an answer that explains nothing": ("unexplained", lambda ledger, _: setattr(ledger.submissions[0], "unexplained", "500")),
    "two messages of one submission": ("doubled", lambda ledger, _: ledger.submissions[0].accepted(ids.new_id(), 1)),
    "two submissions with one message": ("lost", lambda ledger, _: ledger.new({}, None).accepted(FIRST, 1)),
    "a message that intake does not know": ("lost", lambda _, evidence: evidence.statuses.pop(FIRST)),
    "a message without a case": ("lost", lambda _, evidence: evidence.cases.pop(0)),
    "a message with two cases": ("doubled", lambda _, evidence: evidence.cases.append(evidence.cases[0])),
    "a case nobody submitted": ("doubled", lambda _, evidence: evidence.cases.append({"message_id": ids.new_id(), "disposition": "x"})),
    "another disposition": ("lost", lambda _, evidence: evidence.statuses[FIRST].update(status="triage")),
    "an amendment that is gone": ("lost", lambda ledger, _: ledger.submissions[0].accepted(FIRST, 2)),
    "a gap on the topic": ("disorder", lambda _, evidence: evidence.topics[CASES].append(told(CASES, FIRST, 4))),
    "an event out of order": ("disorder", lambda _, evidence: evidence.topics[CASES].insert(0, told(CASES, FIRST, 2))),
    "a feed that lacks what the topic has": ("disorder", lambda _, evidence: evidence.feeds[DEPARTMENT].pop(0)),
    "an act without its event": ("lost", lambda ledger, _: ledger.acts.append(Act(ids.case_id(FIRST), "accept"))),
    "an effect taken twice": ("doubled", lambda _, evidence: evidence.histories[FIRST].append("routed")),
    "an account that counts too few": ("account", lambda _, evidence: evidence.accounts["router"].update(opened={"real": 1})),
    "a dead letter": ("account", lambda _, evidence: evidence.accounts["router"].update(dead=1)),
}  # fmt: skip


def test_a_sound_system_has_no_breach() -> None:
    assert audit(*sound()) == []


def test_repeats_break_nothing() -> None:
    """At least once is what is promised; a follower drops what it has."""
    ledger, evidence = sound()
    evidence.topics[CASES] += evidence.topics[CASES]
    evidence.topics[department_topic(DEPARTMENT)].append(told(CASES, FIRST, 2, "routed"))
    assert audit(ledger, evidence) == []


@pytest.mark.parametrize("name", BROKEN)
def test_the_audit_finds(name: str) -> None:
    kind, spoil = BROKEN[name]
    ledger, evidence = sound()
    spoil(ledger, evidence)
    assert kind in {breach.kind for breach in audit(ledger, evidence)}


def test_the_story_is_of_one_message_and_says_how_to_repeat_it() -> None:
    ledger, evidence = sound()
    evidence.cases.append(evidence.cases[0])
    text = story(audit(ledger, evidence), ledger, evidence, "make faults SEED=7")
    assert text.startswith("BROKEN: a message has one case")
    assert "2 cases" in text
    assert f"client: 202 {FIRST}" in text
    assert SECOND not in text
    assert text.endswith("repeat: make faults SEED=7")
