"""Intake is told of every message whose record became a dead letter, whatever fails meanwhile; and blocked keys are known anew."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.errors import BadRecord, LogUnavailable, RecordRefused
from shared.events.catalog import CASES, CLASSIFIED, MESSAGES, department_topic
from shared.events.envelope import from_record
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.letters import Letters
from shared.log.port import Partition, Received, Record
from shared.store import Store, open_store
from tests.unit.log.desk import open_desk, record


class Flickering:
    """A log that fails as often as it is told, then keeps what is published."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.records = list(failures), list[Record]()

    async def publish(self, records: Sequence[Record]) -> list[Any]:
        if self.failures:
            raise self.failures.pop(0)
        self.records += records
        return []


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    opened = open_store(f"sqlite:////{tmp_path}/", "desk")
    await opened.prepare((LETTERS, PARKED))
    yield opened
    await opened.close()


def letters(store: Store, log: Any) -> DeadLetters:
    return DeadLetters(store, log, service="classifier", group="classifier")


def received(note: str, topic: str = MESSAGES) -> Received:
    made = record(note)
    return Received(Partition(topic, 0), 7, made.key, made.value, made.headers, 0.0)


async def test_what_could_not_be_told_is_told_when_the_record_comes_again(store: Store):
    log = Flickering(LogUnavailable("away"))
    kept = letters(store, log)
    with pytest.raises(LogUnavailable):
        await kept.keep(received("a1"), from_record(received("a1")), BadRecord("no"), 1)
    assert kept.blocks(received("a1"))
    await kept.park([received("a1")])
    assert [one.key for one in log.records] == ["a"]


async def test_what_was_discarded_before_it_could_be_told_is_told(store: Store):
    log = Flickering(LogUnavailable("away"))
    kept = letters(store, log)
    with pytest.raises(LogUnavailable):
        await kept.keep(received("a1"), from_record(received("a1")), BadRecord("no"), 1)
    (letter,) = (await store.page(LETTERS, "by_status", {}, limit=9)).documents
    await Letters(store).discard(letter.id, by="olga", reason="no use")
    await kept.keep(received("a1"), from_record(received("a1")), BadRecord("no"), 1)
    assert [one.key for one in log.records] == ["a"]


async def test_what_was_handled_after_all_is_not_told_of_again(store: Store):
    log = Flickering()
    kept = letters(store, log)
    await kept.keep(received("a1"), from_record(received("a1")), BadRecord("no"), 1)
    (letter,) = (await store.page(LETTERS, "by_status", {}, limit=9)).documents
    letter.body["status"] = "replayed"
    await store.replace(LETTERS, [letter])
    await kept.park([received("a1")])
    assert len(log.records) == 1


async def test_an_announcement_that_the_log_refuses_holds_up_nobody(store: Store):
    kept = letters(store, Flickering(RecordRefused({0: "too large"})))
    await kept.keep(received("a1"), from_record(received("a1")), BadRecord("no"), 1)
    assert (await kept.count())["dead"] == 1


@pytest.mark.parametrize(("topic", "told"), [(MESSAGES, 1), (CLASSIFIED, 1), (CASES, 0), (department_topic("water"), 0)])
async def test_only_records_whose_key_is_a_message_are_told_of(store: Store, topic: str, told: int):
    log = Flickering()
    await letters(store, log).keep(received("a1", topic), from_record(received("a1")), BadRecord("no"), 1)
    assert len(log.records) == told


async def test_a_key_that_another_member_blocked_meanwhile_waits(tmp_path: Path):
    async with open_desk(tmp_path) as desk:
        await desk.publish("b1")
        await desk.until_handled("b1")
        other = DeadLetters(desk.store, desk.log, service="desk", group="desk")
        first = record("a1")
        await other.keep(
            Received(Partition(first.topic, 0), 0, first.key, first.value, first.headers, 0.0), None, BadRecord("no"), 1
        )
        desk.away = True
        await desk.publish("b2")
        await desk.until_paused()
        desk.away = False
        await desk.publish("a2", "b3")
        await desk.until_handled("b3")
        assert "a" not in desk.handled
        await desk.parked(1)
