"""A record that cannot be handled is kept, holds up nobody but its own key, and is handed back in order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.errors import BadRecord
from shared.log.letters import LetterClosed, Mending, NoSuchLetter
from shared.log.port import Record
from shared.testing.wait import wait_until
from tests.unit.log.desk import TOPIC, Desk, event, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


async def test_a_failing_record_does_not_hold_up_its_neighbours(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1", "a2", "b1", "a3", "c1")
    await desk.until_handled("b1", "c1")
    (letter,) = await desk.dead()
    await desk.parked(2)
    assert (letter["key"], letter["reason"], letter["attempts"], letter["topic"]) == ("a", "Fault", 3, TOPIC)
    assert "a" not in desk.handled


async def test_many_failing_records_pause_their_batch_once(desk: Desk):
    """Twelve failing records are tried together: each attempt is one round of halving, not one pause a record."""
    notes = [f"{key}1" for key in "abcdefghijkl"]
    desk.refused = set(notes)
    await desk.publish(*notes, "z1")
    await desk.until_handled("z1")
    letters = await desk.dead(12)
    assert {letter["attempts"] for letter in letters} == {3}
    assert desk.calls < 3 * 2 * len(notes) + 20


async def test_replayed_once_mended_what_was_parked_follows_in_order(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1", "a2", "a3", "b1", "a4")
    await desk.parked(3)
    (letter,) = await desk.dead()
    desk.refused = set()
    await desk.operator.replay(letter["id"], by="olga")
    await desk.publish("a5")
    await desk.until_handled("a5")
    assert desk.handled["a"] == ["a1", "a2", "a3", "a4", "a5"]
    (closed,) = await desk.dead(status="replayed")
    assert (await desk.operator.show(closed["id"]))["acts"][0]["by"] == "olga"
    await desk.parked(0)


async def test_what_fails_again_is_dead_again_and_its_key_still_waits(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1", "a2")
    (letter,) = await desk.dead()
    await desk.operator.replay(letter["id"], by="olga")
    await wait_until(lambda: _attempts(desk, letter["id"], 4), timeout=20)
    await desk.publish("a3", "b1")
    await desk.until_handled("b1")
    assert "a" not in desk.handled
    await desk.parked(2)


async def _attempts(desk: Desk, letter: str, count: int) -> bool:
    shown = await desk.operator.show(letter)
    return bool(shown["attempts"] == count and shown["status"] == "dead")


async def test_a_parked_record_that_fails_becomes_a_letter_and_the_rest_waits_behind_it(desk: Desk):
    desk.refused = {"a1", "a3"}
    await desk.publish("a1", "a2", "a3", "a4")
    await desk.parked(3)
    (letter,) = await desk.dead()
    desk.refused = {"a3"}
    await desk.operator.replay(letter["id"], by="olga")
    await desk.until_handled("a2")
    (second,) = await desk.dead()
    assert second["id"] != letter["id"]
    await desk.parked(1)
    desk.refused = set()
    await desk.operator.replay(second["id"], by="olga")
    await desk.until_handled("a4")
    assert desk.handled["a"] == ["a1", "a2", "a3", "a4"]


async def test_discarded_with_a_reason_what_was_parked_flows(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1", "a2")
    await desk.parked(1)
    (letter,) = await desk.dead()
    await desk.operator.discard(letter["id"], by="olga", reason="a test message")
    await desk.until_handled("a2")
    shown = await desk.operator.show(letter["id"])
    assert (shown["status"], shown["acts"][0]["reason"]) == ("discarded", "a test message")
    with pytest.raises(LetterClosed):
        await desk.operator.replay(letter["id"], by="olga")


async def test_a_discarded_letter_stays_discarded_when_its_record_comes_again(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1")
    (letter,) = await desk.dead()
    await desk.operator.discard(letter["id"], by="olga", reason="no use")
    await desk.publish("a2")
    await desk.until_handled("a2")
    await desk.publish("a1", "a3")
    await desk.until_handled("a3")
    await desk.dead(0)


async def test_a_mended_record_is_handled_and_the_original_stays(desk: Desk):
    desk.refused = {"a1"}
    await desk.publish("a1", "a2")
    (letter,) = await desk.dead()
    original = (await desk.operator.show(letter["id"]))["data"]
    await desk.operator.replay(letter["id"], by="olga", mending=Mending({**original, "reason": "a1-mended"}, {}))
    await desk.until_handled("a2")
    assert desk.handled["a"] == ["a1-mended", "a2"]
    assert (await desk.operator.show(letter["id"]))["data"] == original


WRONG = {
    "a field of the wrong type": ({"message_id": 7}, {}),
    "nothing of it": ({}, {}),
    "an event that nobody knows": (None, {"ce_type": "yijian.message.dead.v99"}),
    "another case's": (None, {"ce_subject": "b"}),
    "another event": (None, {"ce_id": "something-else"}),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_edit_is_refused_before_anything_changes(desk: Desk, case: str):
    desk.refused = {"a1"}
    await desk.publish("a1")
    (letter,) = await desk.dead()
    before = await desk.operator.show(letter["id"])
    data, headers = WRONG[case]
    with pytest.raises(BadRecord):
        await desk.operator.replay(letter["id"], by="olga", mending=Mending(before["data"] if data is None else data, headers))
    assert await desk.operator.show(letter["id"]) == before


JUNK = {
    "not ours at all": Record(TOPIC, "a", b"\x00\xff junk", {}),
    "not JSON": Record(TOPIC, "a", b"{", {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "x", "ce_type": "y", "ce_subject": "a", "ce_time": "t"}),
    "an event from the future": Record(TOPIC, "a", b"{}", {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "x", "ce_type": "yijian.message.dead.v9", "ce_subject": "a", "ce_time": "t"}),
}  # fmt: skip


@pytest.mark.parametrize("case", JUNK)
async def test_junk_is_kept_at_once_and_can_be_discarded(desk: Desk, case: str):
    await desk.log.publish([JUNK[case]])
    await desk.publish("b1", "a2")
    await desk.until_handled("b1")
    (letter,) = await desk.dead()
    assert (letter["reason"], letter["attempts"]) == ("bad-record", 1)
    await desk.operator.discard(letter["id"], by="olga", reason="not ours")
    await desk.until_handled("a2")


async def test_junk_can_be_mended_into_an_event(desk: Desk):
    await desk.log.publish([JUNK["not ours at all"]])
    (letter,) = await desk.dead()
    made = event("a1")
    headers = {
        "ce_specversion": "1.0", "ce_id": made.id, "ce_source": made.source, "ce_type": made.type, "ce_subject": "a", "ce_time": made.time,
    }  # fmt: skip
    await desk.operator.replay(letter["id"], by="olga", mending=Mending(made.data, headers))
    await desk.until_handled("a1")


async def test_all_of_one_reason_are_replayed_together(desk: Desk):
    desk.refused = {"a1", "b1", "c1"}
    await desk.publish("a1", "b1", "c1")
    await desk.log.publish([Record(TOPIC, "d", b"junk", {})])
    await desk.dead(4)
    desk.refused = set()
    assert await desk.operator.replay_all("Fault", by="olga") == 3
    await desk.until_handled("a1", "b1", "c1")
    (left,) = await desk.dead()
    assert left["reason"] == "bad-record"


async def test_a_failing_dependency_pauses_and_counts_no_attempt(desk: Desk):
    desk.away = True
    await desk.publish("a1")
    await wait_until(lambda: desk.loop.trouble is not None, timeout=20)
    assert "paused: away" in (desk.loop.trouble or "")
    desk.away = False
    await desk.until_handled("a1")
    await desk.dead(0)
    await wait_until(lambda: desk.loop.trouble is None, timeout=20)


async def test_when_most_records_fail_the_loop_stops_and_says_why(desk: Desk):
    notes = [f"{chr(97 + number)}1" for number in range(25)]
    desk.refused = set(notes)
    await desk.publish(*notes)
    await wait_until(lambda: "stopped" in (desk.loop.trouble or ""), timeout=20)
    with pytest.raises(RuntimeError, match="dead letters"):
        await desk.loop.check()
    handled = desk.calls
    await desk.publish("z1")
    assert desk.calls == handled


async def test_parked_records_and_marks_survive_a_restart(tmp_path: Path):
    async with open_desk(tmp_path) as desk:
        desk.refused = {"a1"}
        await desk.publish("a1", "a2")
        (letter,) = await desk.dead()
        await desk.parked(1)
    async with open_desk(tmp_path, going=False) as desk:
        await desk.operator.replay(letter["id"], by="olga")
    async with open_desk(tmp_path) as desk:
        await desk.publish("a3")
        await desk.until_handled("a3")
        assert desk.handled["a"] == ["a1", "a2", "a3"]


async def test_a_letter_that_is_delivered_again_is_not_parked_behind_itself(tmp_path: Path):
    """A crash between keeping a letter and committing: the record comes again, and must not undo what an operator decides."""
    async with open_desk(tmp_path) as desk:
        desk.refused = {"a1"}
        await desk.publish("a1", "a2")
        (letter,) = await desk.dead()
        await desk.parked(1)
        await desk.publish("a1")
        await desk.publish("b1")
        await desk.until_handled("b1")
        await desk.parked(1)
        await desk.operator.discard(letter["id"], by="olga", reason="no use")
        await desk.until_handled("a2")
        await desk.dead(0)


async def test_there_is_no_such_letter(desk: Desk):
    for act in (desk.operator.show("x"), desk.operator.replay("x", by="o"), desk.operator.discard("x", by="o", reason="no")):
        with pytest.raises(NoSuchLetter):
            await act
