"""Publishing: what is durable, in which order, and what is refused."""

import asyncio
from itertools import chain, groupby

import pytest

from shared.errors import LogUnavailable, RecordRefused
from shared.log import MAX_RECORD_BYTES, Log, Partition, Position, Record, TopicSpec
from shared.testing.wait import wait_until
from tests.contract.log.conftest import Away, Home
from tests.contract.log.helpers import PATIENCE, read, records, values


async def test_positions_come_in_the_order_of_the_records(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    first = await log.publish(records(topic, "a", "b", "c"))
    assert first == [Position(Partition(topic, 0), offset) for offset in range(3)]
    assert await log.publish(records(topic, "d")) == [Position(Partition(topic, 0), 3)]


async def test_an_empty_batch_is_published_at_once(log: Log) -> None:
    assert await log.publish([]) == []


async def test_a_published_batch_is_read_as_it_was(home: Home, log: Log) -> None:
    topic = await home.topic()
    headers = {"ce_type": "yijian.message.received.v1", "标题": "路灯不亮", "empty": ""}
    (position,) = await log.publish([Record(topic, "诉求-1", b"\x00\xff", headers)])
    async with log.subscribe("g", [topic]) as consumer:
        (record,) = await read(consumer, 1)
    assert (record.partition, record.offset) == (position.partition, position.offset)
    assert (record.key, record.value, record.headers) == ("诉求-1", b"\x00\xff", headers)
    assert record.published_at > 1_700_000_000


async def test_a_key_stays_in_its_partition_and_in_order(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=4)
    for start in range(0, 200, 50):
        await log.publish([Record(topic, f"case-{n % 20}", str(n).encode()) for n in range(start, start + 50)])
    async with log.subscribe("g", [topic]) as consumer:
        received = await read(consumer, 200)
    by_key = {key: list(group) for key, group in groupby(sorted(received, key=lambda r: r.key or ""), key=lambda r: r.key)}
    assert len(by_key) == 20
    assert len({record.partition for record in received}) == 4
    for key, group in by_key.items():
        assert len({record.partition for record in group}) == 1, key
        assert [int(value) for value in values(group)] == sorted(int(value) for value in values(group))


async def test_many_tasks_publish_at_once_and_offsets_have_no_gap(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=2)

    async def publisher(name: int) -> list[Position]:
        return [(await log.publish(records(topic, f"{name}:{n}", key=f"case-{name}")))[0] for n in range(10)]

    positions = list(chain.from_iterable(await asyncio.gather(*(publisher(name) for name in range(30)))))
    for number in range(2):
        offsets = sorted(p.offset for p in positions if p.partition.number == number)
        assert offsets == list(range(len(offsets)))
    async with log.subscribe("g", [topic]) as consumer:
        received = values(await read(consumer, 300))
    for name in range(30):
        assert [value for value in received if value.startswith(f"{name}:")] == [f"{name}:{n}" for n in range(10)]


async def test_a_record_at_the_limit_is_taken_and_one_byte_more_refused(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    headers = {"ce_id": "1"}
    room = MAX_RECORD_BYTES - len("k") - len("ce_id") - len("1")
    await log.publish([Record(topic, "k", b"x" * room, headers)])
    with pytest.raises(RecordRefused) as refusal:
        await log.publish([*records(topic, "fits"), Record(topic, "k", b"x" * (room + 1), headers)])
    assert list(refusal.value.refused) == [1]
    await log.publish(records(topic, "after"))
    async with log.subscribe("g", [topic]) as consumer:
        received = await read(consumer, 2)
    assert [len(record.value) for record in received] == [room, len("after")]


async def test_a_batch_with_an_unknown_topic_is_refused_whole(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    with pytest.raises(RecordRefused) as refusal:
        await log.publish([*records(topic, "kept out"), *records("test.nobody-made-this", "x")])
    assert list(refusal.value.refused) == [1]
    await log.publish(records(topic, "first"))
    async with log.subscribe("g", [topic]) as consumer:
        assert values(await read(consumer, 1)) == ["first"]


async def test_a_refused_batch_does_not_harm_its_neighbours(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    bad = [log.publish(records("test.nobody-made-this", "x")) for _ in range(3)]
    good = [log.publish(records(topic, str(n))) for n in range(20)]
    outcomes = await asyncio.gather(*bad, *good, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RecordRefused] * 3 + [list] * 20


async def test_a_key_that_is_no_text_is_refused(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    with pytest.raises(RecordRefused):
        await log.publish([Record(topic, "\ud800", b"x")])


async def test_topics_are_created_once_and_keep_their_partitions(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=2)
    assert await log.apply_topics([TopicSpec(topic, 5), TopicSpec(f"{topic}.b", 1)]) == [f"{topic}.b"]
    lag = await wait_until(lambda: log.lag("g", [topic, f"{topic}.b"]), PATIENCE)
    assert set(lag) == {Partition(topic, 0), Partition(topic, 1), Partition(f"{topic}.b", 0)}


async def test_closing_finishes_what_is_being_published(home: Home) -> None:
    topic = await home.topic(partitions=1)
    log = home.open()
    await log.publish(records(topic, "warm"))
    running = [asyncio.create_task(log.publish(records(topic, str(n)))) for n in range(10)]
    await asyncio.sleep(0)
    await log.close()
    assert sorted(p.offset for positions in await asyncio.gather(*running) for p in positions) == list(range(1, 11))
    with pytest.raises(LogUnavailable):
        await log.publish(records(topic, "too late"))


async def test_a_cancelled_publish_is_not_undone(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "warm"))
    task = asyncio.create_task(log.publish(records(topic, "a", "b", "c")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with log.subscribe("g", [topic]) as consumer:
        assert values(await read(consumer, 4)) == ["warm", "a", "b", "c"]


async def test_a_log_that_is_away_at_start_works_once_it_is_back(home: Home, away: Away) -> None:
    log = home.open(away.url)
    with pytest.raises(LogUnavailable):
        await log.check()
    with pytest.raises(LogUnavailable):
        await log.publish(records("t", "a"))
    async with log.subscribe("g", ["t"], session_timeout=6.0) as consumer:
        with pytest.raises(LogUnavailable):
            await consumer.poll(1, 1.0)
        await away.come_back()
        await log.check()
        await log.apply_topics([TopicSpec("t", 1)])
        await log.publish(records("t", "a"))
        assert values(await read(consumer, 1)) == ["a"]
