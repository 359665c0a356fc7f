"""What a log may do to its readers: deliver again, out of order, or what it has kept from long ago. And a clock that steps back."""

import pytest

from shared import ids
from shared.events.catalog import CASES, CLASSIFIED, MESSAGES, department_topic
from shared.events.envelope import Event, from_record, to_record
from shared.events.messages import CLASSIFIED as CLASSIFIED_TYPE
from shared.log.port import Record
from shared.testing.wait import wait_until
from tests.faults.ledger import Submission
from tests.faults.records import publish, publish_again, read
from tests.faults.trial import Trial, lasting
from tests.support.desk import classification

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("topic", [MESSAGES, CLASSIFIED, CASES, department_topic("city-hotline")])
async def test_the_same_records_delivered_five_times(small: Trial, topic: str) -> None:
    name, since = f"records of {topic} delivered five times", len(small.ledger.submissions)

    async def again() -> None:
        await publish_again(small, topic, times=5, last=200)

    async with small.load(clients=6, rate=60) as channels:
        await small.flows(channels)
        await lasting(1)
        await small.suffer(name, again, channels)
    await small.verify(name, since=since)


async def test_events_of_cases_delivered_again_backwards(small: Trial) -> None:
    """A follower has seen every one of them: whatever their order now, none takes effect again."""
    name, since = "events of cases delivered again backwards", len(small.ledger.submissions)

    async def backwards() -> None:
        await publish_again(small, CASES, times=1, last=200, backwards=True)

    async with small.load(clients=6, rate=60) as channels:
        await small.flows(channels)
        await lasting(1)
        await small.suffer(name, backwards, channels)
    await small.verify(name, since=since)


async def test_a_revision_classified_before_the_message_it_amends(small: Trial) -> None:
    """The later revision opens the case, and the earlier one does not bring the old words back."""
    name, since = "revisions out of order", len(small.ledger.submissions)
    await small.fleet.stop("classifier")
    async with small.load(clients=1, rate=1) as channels:
        submission = await channels.revised()
    await publish(small, await _classified_backwards(small, submission))
    await small.fleet.start("classifier")
    await small.fleet.ready("classifier")
    await small.verify(name, since=since)


async def test_the_clock_steps_back_an_hour_and_forward_again(small: Trial) -> None:
    name, since = "the clock steps back an hour", len(small.ledger.submissions)

    async def back() -> None:
        small.fleet.set_clock(-3600)
        await lasting(3)

    async def forward() -> None:
        small.fleet.set_clock(0)

    async with small.load(clients=6, rate=60) as channels:
        await small.flows(channels)
        await small.suffer(name, back, channels)
        await small.suffer("the clock steps forward an hour", forward, channels)
    await small.verify(name, since=since)


async def _classified_backwards(of: Trial, submission: Submission) -> list[Record]:
    """What the classifier would say about both revisions, the later one first."""

    async def both() -> list[Event]:
        events = [from_record(one) for one in await read(of, MESSAGES)]
        mine = [event for event in events if event.subject == submission.message_id]
        return mine if len({event.data["revision"] for event in mine}) == 2 else []

    events = await wait_until(both, timeout=30, what="both revisions on the topic")
    said = [
        Event(
            id=ids.event_id(event.id, CLASSIFIED_TYPE), type=CLASSIFIED_TYPE, source="/services/classifier", subject=event.subject,
            time=event.time, data={"message": event.data, "classification": classification()}, pack_version=event.pack_version,
        )
        for event in events
    ]  # fmt: skip
    return [to_record(event, CLASSIFIED) for event in sorted(said, key=lambda one: -one.data["message"]["revision"])]
