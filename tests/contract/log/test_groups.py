"""Members of a group: sharing, leaving, dying, and coming back too late."""

import asyncio
import json
import signal
from uuid import uuid4

from shared.log import Consumer, Log, Partition, Record
from shared.testing.wait import wait_until
from tests.contract.log.conftest import Home
from tests.contract.log.helpers import PATIENCE, ask, child, following, hold, line, read, records, values

TIMEOUT = 2.0
"""Seconds of silence until a member counts as dead in these tests."""


async def test_members_share_the_partitions(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=4)
    async with (
        log.subscribe("g", [topic], session_timeout=TIMEOUT) as one,
        home.open().subscribe("g", [topic], session_timeout=TIMEOUT) as two,
    ):
        await hold([one, two], 4)
        assert [len(one.assigned()), len(two.assigned())] == [2, 2]
        assert not one.assigned() & two.assigned()
        await log.publish([Record(topic, f"case-{n}", str(n).encode()) for n in range(40)])
        received = await asyncio.gather(read(one, 1), read(two, 1))
        while sum(map(len, received)) < 40:
            received[0] += await one.poll(100, 0.1)
            received[1] += await two.poll(100, 0.1)
        assert sorted(int(value) for batch in received for value in values(batch)) == list(range(40))


async def test_a_member_that_leaves_frees_its_partitions_at_once(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=3)
    # A member that had to be waited for would take longer than this test may.
    async with log.subscribe("g", [topic], session_timeout=20.0) as stays:
        async with home.open().subscribe("g", [topic], session_timeout=20.0) as goes:
            await hold([stays, goes], 3)
        async with asyncio.timeout(10):
            await hold([stays], 3)


async def test_partitions_of_a_killed_member_are_taken_over_with_what_it_had_not_committed(home: Home, log: Log) -> None:
    topic, group = await home.topic(partitions=2), uuid4().hex
    await log.publish([Record(topic, f"case-{n}", str(n).encode()) for n in range(20)])
    async with child("member", home.url, group, topic, TIMEOUT) as member:
        assert json.loads(await line(member))
        member.kill()
        await member.wait()
        async with log.subscribe(group, [topic], session_timeout=TIMEOUT) as heir:
            assert sorted(int(value) for value in values(await read(heir, 20))) == list(range(20))


async def test_a_member_that_slept_too_long_cannot_move_a_commit_back(home: Home, log: Log) -> None:
    topic, group = await home.topic(partitions=1), uuid4().hex
    await log.publish(records(topic, "a"))
    async with child("member", home.url, group, topic, TIMEOUT) as sleeper:
        assert await line(sleeper) == "[0]"
        sleeper.send_signal(signal.SIGSTOP)
        await log.publish(records(topic, "b", "c"))
        async with log.subscribe(group, [topic], session_timeout=TIMEOUT) as heir:
            await heir.commit(following(await read(heir, 3)))
            sleeper.send_signal(signal.SIGCONT)
            assert await ask(sleeper, "commit") == "LeaseLost"
        assert (await log.lag(group, [topic]))[Partition(topic, 0)].committed == 3


async def test_a_living_member_in_another_process_keeps_its_partitions(home: Home, log: Log) -> None:
    topic, group = await home.topic(partitions=1), uuid4().hex
    await log.publish(records(topic, "a"))
    async with child("member", home.url, group, topic, TIMEOUT) as holder:
        assert await line(holder) == "[0]"
        async with log.subscribe(group, [topic], session_timeout=TIMEOUT) as second:
            held = [await _held_after(second, TIMEOUT / 4) for _ in range(6)]
        if home.kind == "sqlite":
            assert held == [frozenset()] * 6
            assert await ask(holder, "commit") == "committed"


async def _held_after(member: Consumer, seconds: float) -> frozenset[Partition]:
    """The partitions a member holds when it has polled for so long."""
    await member.poll(1, seconds)
    return member.assigned()


async def test_members_may_read_different_topics(home: Home, log: Log) -> None:
    common, alone = await home.topic(partitions=3), await home.topic(partitions=3)
    async with (
        log.subscribe("g", [common], session_timeout=TIMEOUT) as one,
        home.open().subscribe("g", [common, alone], session_timeout=TIMEOUT) as two,
    ):
        await wait_until(lambda: _covered(one, two), PATIENCE, "every partition held by one of them")
        assert {partition.topic for partition in one.assigned()} <= {common}
        assert not one.assigned() & two.assigned()


async def _covered(*members: Consumer) -> bool:
    await asyncio.gather(*(member.poll(1, 0.1) for member in members))
    return sum(len(member.assigned()) for member in members) == 6
