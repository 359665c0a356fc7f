"""One consumer: where it starts, what it is given again, how far behind it is."""

import pytest

from shared.errors import LeaseLost
from shared.log import Lag, Log, Partition, Record
from tests.contract.log.conftest import Home
from tests.contract.log.helpers import following, read, records, values


async def test_a_new_group_starts_at_the_earliest_record(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "before"))
    async with log.subscribe("g", [topic]) as consumer:
        await log.publish(records(topic, "after"))
        assert values(await read(consumer, 2)) == ["before", "after"]


async def test_what_was_committed_is_not_read_again(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "a", "b", "c"))
    async with log.subscribe("g", [topic]) as consumer:
        received = await read(consumer, 3)
        await consumer.commit(following(received[:2]))
    async with home.open().subscribe("g", [topic]) as consumer:
        assert values(await read(consumer, 1)) == ["c"]


async def test_what_was_not_committed_is_read_again(home: Home, log: Log) -> None:
    topic = await home.topic()
    await log.publish([Record(topic, f"case-{n}", b"x") for n in range(20)])
    for _ in range(2):
        async with log.subscribe("g", [topic]) as consumer:
            assert len(await read(consumer, 20)) == 20


async def test_groups_do_not_know_each_other(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "a"))
    async with log.subscribe("one", [topic]) as one, log.subscribe("two", [topic]) as two:
        await one.commit(following(await read(one, 1)))
        assert values(await read(two, 1)) == ["a"]


async def test_a_poll_gives_no_more_than_its_limit_and_goes_on_from_there(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, *map(str, range(10))))
    async with log.subscribe("g", [topic]) as consumer:
        first = await read(consumer, 1, limit=4)
        assert len(first) <= 4
        rest = await read(consumer, 10 - len(first), limit=4)
    assert values(first + rest) == [str(n) for n in range(10)]


async def test_a_poll_without_news_is_empty_after_its_wait(home: Home, log: Log) -> None:
    topic = await home.topic()
    async with log.subscribe("g", [topic]) as consumer:
        assert await consumer.poll(10, 0.1) == []


async def test_seek_reads_a_batch_again(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "a", "b", "c"))
    async with log.subscribe("g", [topic]) as consumer:
        received = await read(consumer, 3)
        consumer.seek({received[0].partition: received[1].offset})
        await log.publish(records(topic, "d"))
        assert values(await read(consumer, 3)) == ["b", "c", "d"]


async def test_seeking_what_is_not_held_is_nothing(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    async with log.subscribe("g", [topic]) as consumer:
        consumer.seek({Partition(topic, 0): 5})
        await log.publish(records(topic, "a"))
        assert values(await read(consumer, 1)) == ["a"]
        consumer.seek({Partition(topic, 99): 5})


async def test_several_topics_are_read_by_one_consumer(home: Home, log: Log) -> None:
    topics = [await home.topic(partitions=1) for _ in range(5)]
    await log.publish([Record(topic, "k", topic.encode()) for topic in topics])
    async with log.subscribe("g", topics) as consumer:
        assert sorted(values(await read(consumer, 5))) == sorted(topics)
        assert len(consumer.assigned()) == 5


async def test_a_topic_that_does_not_exist_yet_holds_up_nobody(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await log.publish(records(topic, "a"))
    async with log.subscribe("g", [f"{topic}.later", topic]) as consumer:
        assert values(await read(consumer, 1)) == ["a"]


async def test_records_of_others_may_lack_a_key_and_have_headers_that_are_no_text(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    await home.publish_foreign(topic)
    async with log.subscribe("g", [topic]) as consumer:
        (record,) = await read(consumer, 1)
    assert (record.key, record.value) == (None, b"foreign")
    assert record.headers["text"] == "plain"
    assert all(isinstance(text, str) for text in record.headers.values())


async def test_committing_what_was_never_held_is_a_lost_lease(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    async with log.subscribe("g", [topic]) as consumer:
        with pytest.raises(LeaseLost):
            await consumer.commit({Partition(topic, 7): 1})


async def test_lag_counts_from_the_commit_to_the_end(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1)
    partition = Partition(topic, 0)
    assert (await log.lag("g", [topic]))[partition] == Lag(0, 0, None)
    await log.publish(records(topic, "a", "b"))
    await log.publish(records(topic, "c"))
    behind = (await log.lag("g", [topic]))[partition]
    assert (behind.committed, behind.end) == (0, 3)
    async with log.subscribe("g", [topic]) as consumer:
        received = await read(consumer, 3)
        assert behind.oldest_uncommitted in {None, received[0].published_at}
        await consumer.commit({partition: 2})
        behind = (await log.lag("g", [topic]))[partition]
        assert (behind.committed, behind.end) == (2, 3)
        assert behind.oldest_uncommitted in {None, received[2].published_at}
        await consumer.commit({partition: 3})
    assert (await log.lag("g", [topic]))[partition] == Lag(3, 3, None)


async def test_trim_keeps_what_a_group_has_not_passed(home: Home, log: Log) -> None:
    topic = await home.topic(partitions=1, retention_hours=720 if home.kind == "kafka" else 0)
    await log.publish(records(topic, "a", "b", "c"))
    async with log.subscribe("g", [topic]) as consumer:
        await read(consumer, 3)
        await consumer.commit({Partition(topic, 0): 1})
    gone = await log.trim({"g": [topic], "other": []})
    assert gone == (0 if home.kind == "kafka" else 1)
    async with log.subscribe("g", [topic]) as consumer:
        assert values(await read(consumer, 2)) == ["b", "c"]


async def test_committing_nothing_is_nothing(home: Home, log: Log) -> None:
    async with log.subscribe("g", [await home.topic()]) as consumer:
        await consumer.commit({})


async def test_the_lag_in_topics_that_do_not_exist_is_empty(home: Home, log: Log) -> None:
    await home.topic()
    assert await log.lag("g", ["nobody-made-this"]) == {}
