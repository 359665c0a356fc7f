"""What only the SQLite log has to prove: several processes at one file, its crashes, its size, its idleness."""

import asyncio
import signal
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import LogUnavailable
from shared.log import Log, Partition, Record, TopicSpec, open_log
from shared.log.sqlite_groups import fair_shares
from shared.testing.wait import wait_until
from tests.contract.log.helpers import PATIENCE, child, following, line, read, records, values


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
async def log(url: str):  # type: ignore[no-untyped-def]
    log = open_log(url)
    yield log
    await log.close()


async def test_processes_that_publish_at_once_leave_no_gap_and_no_double(url: str, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 2)])
    async with AsyncExitStack() as stack:
        publishers = [await stack.enter_async_context(child("publisher", url, "t", f"case-{n}", 150)) for n in range(4)]
        outputs = await asyncio.gather(*(publisher.communicate() for publisher in publishers))
    acknowledged = [printed.split() for output, _ in outputs for printed in output.decode().splitlines()]
    assert len(acknowledged) == 600
    for number in "01":
        offsets = sorted(int(offset) for _, _, partition, offset in acknowledged if partition == number)
        assert offsets == list(range(len(offsets)))
    async with log.subscribe("g", ["t"]) as consumer:
        received = [value.strip() for value in values(await read(consumer, 600))]
    for n in range(4):
        assert [value for value in received if value.startswith(f"case-{n}:")] == [f"case-{n}:{i}" for i in range(150)]


async def test_processes_that_open_a_new_file_at_once_all_can(url: str) -> None:
    logs = [open_log(url) for _ in range(8)]
    created = await asyncio.gather(*(log.apply_topics([TopicSpec("t", 1)]) for log in logs))
    assert sorted(map(len, created)) == [0] * 7 + [1]
    await asyncio.gather(*(log.close() for log in logs))


async def test_kill_9_while_publishing_loses_nothing_that_was_acknowledged(url: str, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1)])
    acknowledged = 0
    for _ in range(3):
        async with child("publisher", url, "t", "case", 1_000_000) as publisher:
            for _ in range(40):
                assert (await line(publisher)).startswith("case")
            publisher.kill()
            assert publisher.stdout is not None
            acknowledged += 40 + (await publisher.stdout.read()).count(b"\n")
    end = (await log.lag("g", ["t"]))[Partition("t", 0)].end
    assert acknowledged <= end <= acknowledged + 3  # each kill may leave one that was stored and not yet answered
    async with log.subscribe("g", ["t"]) as consumer:
        received = await read(consumer, end)
    assert [record.offset for record in received] == list(range(end))


async def test_a_full_disk_is_said_and_the_log_goes_on_when_there_is_room(url: str, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1)])
    async with child("publisher", url, "t", "case", 1_000_000, 300_000) as publisher:
        output, _ = await publisher.communicate()
    *acknowledged, last = output.decode().splitlines()
    assert last == "LogUnavailable"
    assert acknowledged
    (position,) = await log.publish(records("t", "room again"))
    assert position.offset >= len(acknowledged)
    async with log.subscribe("g", ["t"]) as consumer:
        assert values(await read(consumer, position.offset + 1))[-1] == "room again"


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, url: str) -> None:
    (tmp_path / "log.db").write_text("this is no database, and long enough to be read as a header" * 20)
    async with open_log(url) as log:  # type: ignore[attr-defined]
        for use in (log.check(), log.publish(records("t", "a")), log.lag("g", ["t"]), log.apply_topics([TopicSpec("t")])):
            with pytest.raises(LogUnavailable, match=r"log\.db"):
                await use


async def test_a_log_that_is_trimmed_does_not_grow(tmp_path: Path, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 2, retention_hours=0)])
    sizes = []
    async with log.subscribe("g", ["t"]) as consumer:
        for turn in range(6):
            await log.publish([Record("t", f"case-{n}", f"{turn}:{n}".ljust(2000).encode()) for n in range(2_500)])
            received = await read(consumer, 2_500)
            await consumer.commit(following(received))
            assert await log.trim({"g": ["t"]}) == 2_500
            sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
    assert sizes[-1] < 1.5 * sizes[1]
    await log.close()
    assert (tmp_path / "log.db").stat().st_size < 1_000_000  # 30 MB went through


async def test_trim_keeps_the_young_and_an_unread_topic_goes_by_age(log: Log) -> None:
    await log.apply_topics([TopicSpec("young", 1, retention_hours=1), TopicSpec("unread", 1, retention_hours=0)])
    await log.publish(records("young", "a") + records("unread", "b", "c"))
    async with log.subscribe("g", ["young"]) as consumer:
        await consumer.commit(following(await read(consumer, 1)))
    assert await log.trim({"g": ["young"]}) == 2
    assert (await log.lag("g", ["young"]))[Partition("young", 0)].end == 1
    (position,) = await log.publish(records("unread", "d"))
    assert position.offset == 2  # an offset is never used twice
    async with log.subscribe("new", ["unread"]) as consumer:
        assert [record.offset for record in await read(consumer, 1)] == [2]
        assert await consumer.poll(1, 0.05) == []


async def test_a_reader_that_was_trimmed_past_goes_on_at_what_is_left(log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1, retention_hours=0)])
    await log.publish(records("t", "a", "b"))
    assert await log.trim({}) == 2
    async with log.subscribe("g", ["t"]) as consumer:
        assert await consumer.poll(10, 0.05) == []
        await log.publish(records("t", "c"))
        assert values(await read(consumer, 1)) == ["c"]


async def test_a_busy_partition_does_not_hide_the_others(log: Log) -> None:
    await log.apply_topics([TopicSpec(f"dept-{n}", 1) for n in range(100)])
    await log.publish([Record("dept-0", "k", b"x") for _ in range(3_000)] + [Record(f"dept-{n}", "k", b"x") for n in range(100)])
    async with log.subscribe("g", [f"dept-{n}" for n in range(100)]) as consumer:
        received = await consumer.poll(200, 1.0) + await consumer.poll(200, 1.0)
    assert len({record.partition for record in received}) == 100


async def test_large_records_come_in_several_polls(log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1)])
    await log.publish([Record("t", "k", bytes(900_000)) for _ in range(40)])
    async with log.subscribe("g", ["t"]) as consumer:
        first = await consumer.poll(40, 1.0)
        assert 1 < len(first) < 40
        assert len(await read(consumer, 40 - len(first))) == 40 - len(first)


async def test_a_handler_that_blocks_the_event_loop_keeps_its_lease(url: str, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1)])
    await log.publish(records("t", "a"))
    async with log.subscribe("g", ["t"], session_timeout=0.5) as busy:
        received = await read(busy, 1)
        stolen = await asyncio.to_thread(_try_to_steal, url)
        assert stolen == []
        threading.Event().wait(1.0)  # the handler, blocking
        assert await asyncio.to_thread(_try_to_steal, url) == []
        await busy.commit(following(received))


def _try_to_steal(url: str) -> list[str]:
    async def steal() -> list[str]:
        async with open_log(url) as log, log.subscribe("g", ["t"], session_timeout=0.5) as thief:  # type: ignore[attr-defined]
            return values(await thief.poll(1, 0.3))

    return asyncio.run(steal())


async def test_a_poll_wakes_soon_after_a_publish(log: Log) -> None:
    await log.apply_topics([TopicSpec("t", 1)])
    async with log.subscribe("g", ["t"]) as consumer:
        polls = asyncio.create_task(consumer.poll(1, PATIENCE))
        await wait_until(lambda: bool(consumer.assigned()))
        await log.publish(records("t", "a"))
        async with asyncio.timeout(0.9):  # the members' books are opened once a second: that would find it too
            assert values(await polls) == ["a"]


MEMBERS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.frozensets(st.sampled_from("xyz"), min_size=1), min_size=1)
PARTITIONS = st.sets(st.builds(Partition, st.sampled_from("xyz"), st.integers(0, 9)))


@given(PARTITIONS, MEMBERS)
def test_a_share_goes_only_to_who_reads_the_topic_and_nothing_readable_is_left_over(
    partitions: set[Partition], members: dict[str, frozenset[str]]
) -> None:
    shares = fair_shares(partitions, members)
    assert all(partition.topic in members[member] for partition, member in shares.items())
    assert shares.keys() == {p for p in partitions if any(p.topic in topics for topics in members.values())}


@given(PARTITIONS, st.integers(1, 8))
def test_members_with_the_same_topics_differ_by_one_partition_at_most(partitions: set[Partition], count: int) -> None:
    members = {str(n): frozenset("xyz") for n in range(count)}
    held = [list(fair_shares(partitions, members).values()).count(member) for member in members]
    assert max(held) - min(held) <= 1


async def test_a_killed_member_is_known_to_be_dead_before_its_session_is_over(url: str, log: Log) -> None:
    """On one machine the kernel tells who is gone: nobody waits for the silence of the dead."""
    await log.apply_topics([TopicSpec("t", partitions=1)])
    await log.publish(records("t", "a"))
    async with child("member", url, "g", "t", "60") as member:
        assert await line(member) == "[0]"
        member.kill()
        await member.wait()
        async with asyncio.timeout(10), log.subscribe("g", ["t"], session_timeout=60) as heir:
            assert values(await read(heir, 1)) == ["a"]


async def test_a_member_that_is_stuck_is_dead_only_after_its_session(url: str, log: Log) -> None:
    await log.apply_topics([TopicSpec("t", partitions=1)])
    await log.publish(records("t", "a"))
    async with child("member", url, "g", "t", "3") as member, log.subscribe("g", ["t"], session_timeout=60) as heir:
        assert await line(member) == "[0]"
        member.send_signal(signal.SIGSTOP)
        assert not await heir.poll(10, 1.5)
        assert values(await read(heir, 1)) == ["a"]
        member.send_signal(signal.SIGCONT)
