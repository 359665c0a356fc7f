"""What only the Kafka log has to prove: brokers that go and come back under it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from shared.errors import LeaseLost, LogUnavailable
from shared.log import Log, Received, Record, TopicSpec, kafka_consumer, open_log
from shared.log import kafka as kafka_log
from shared.log.port import Consumer
from shared.testing.wait import wait_until
from tests.contract.log.conftest import Home
from tests.contract.log.helpers import following, read, values
from tests.support.kafka_server import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.parametrize("home", ["kafka"], indirect=True)]


async def test_a_broker_killed_while_publishing_and_reading_loses_nothing(home: Home, log: Log, kafka: KafkaCluster) -> None:
    topic = await home.topic(partitions=2)
    stop = asyncio.Event()

    async def publish() -> int:
        number = 0
        while not stop.is_set():
            await log.publish([Record(topic, f"case-{n % 5}", str(number + n).encode()) for n in range(10)])
            number += 10
        return number

    publishing = asyncio.create_task(publish())
    async with log.subscribe("survivor", [topic]) as consumer:
        received = await read(consumer, 10)
        await asyncio.to_thread(kafka.brokers[0].kill)
        await asyncio.to_thread(kafka.brokers[0].restart)
        await consumer.commit(following(received))
        received += await read(consumer, 50)
        stop.set()
        total = await publishing
        while len({*values(received)}) < total:
            received += await read(consumer, 1)
    for key in range(5):
        mine = [int(value) for value in values(r for r in received if r.key == f"case-{key}")]
        firsts = list(dict.fromkeys(mine))
        assert firsts == sorted(firsts)
    assert {int(value) for value in values(received)} == set(range(total))


@asynccontextmanager
async def deaf(client: Any, kafka: KafkaCluster) -> AsyncIterator[None]:
    """It has lost the task that learns where partitions and coordinators are, as seen after a broker's death; the broker is
    away as long as the context is open."""
    client._sync_task.cancel()
    await asyncio.to_thread(kafka.brokers[0].kill)
    try:
        yield
    finally:
        await asyncio.to_thread(kafka.brokers[0].restart)


async def test_a_member_whose_commits_get_no_answer_joins_with_another_client(home: Home, log: Log, kafka: KafkaCluster) -> None:
    topic = await home.topic(partitions=1)
    await log.publish([Record(topic, "case-1", b"1")])
    async with log.subscribe("deaf", [topic]) as consumer:
        received = await read(consumer, 1)
        async with deaf(consumer._consumer._client, kafka):
            await raises(LogUnavailable, consumer.commit(following(received)))
            await raises(LeaseLost, consumer.commit(following(received)))
        await consumer.commit(following(await again(consumer)))
    assert [lag.end - lag.committed for lag in (await log.lag("deaf", [topic])).values()] == [0]


async def test_a_member_that_hears_nothing_for_long_makes_sure_and_joins_with_another_client(
    home: Home, log: Log, kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_consumer, "_SILENCE_SECONDS", 0)
    topic = await home.topic(partitions=1)
    async with log.subscribe("deaf", [topic]) as consumer:
        assert await consumer.poll(1, 0.1) == []  # it may be silent, and answers when it is asked
        async with deaf(consumer._consumer._client, kafka):
            await raises(LogUnavailable, consumer.poll(1, 0.1))
        await log.publish([Record(topic, "case-1", b"1")])
        assert values(await again(consumer)) == ["1"]


async def test_a_member_that_joins_in_vain_says_so(
    home: Home, log: Log, kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_consumer, "_SILENCE_SECONDS", 0)
    topic = await home.topic(partitions=1)
    async with log.subscribe("joining", [topic]) as subscribed:
        consumer: Any = subscribed
        client = (await consumer._join())._client
        async with deaf(client, kafka), asyncio.timeout(30):
            await raises(LogUnavailable, consumer.poll(1, 0.1))
        await log.publish([Record(topic, "case-1", b"1")])
        assert values(await again(consumer)) == ["1"]


async def test_a_producer_that_never_hears_what_became_of_a_batch_is_replaced(
    home: Home, log: Any, kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await home.topic(partitions=1)
    await log.publish([Record(topic, "case-1", b"1")])
    async with deaf(log._producer.client, kafka):
        monkeypatch.setattr(kafka_log, "_PATIENCE_SECONDS", 2)
        await raises(LogUnavailable, log.publish([Record(topic, "case-1", b"2")]))
        monkeypatch.undo()
    await log.publish([Record(topic, "case-1", b"3")])
    async with log.subscribe("reader", [topic]) as consumer:
        assert values(await read(consumer, 2)) == ["1", "3"]


async def test_a_connection_that_is_lost_says_so(home: Home) -> None:
    client = AIOKafkaClient(bootstrap_servers=home.url.removeprefix("kafka://"))
    try:
        await client.bootstrap()
        node = client.get_random_node()
        await client.ready(node)
        client._conns[node, ConnectionGroup.DEFAULT]._writer.transport.abort()
        await raises(KafkaConnectionError, client.send(node, ApiVersionRequest()))
        assert (await client.fetch_all_metadata()).brokers()
    finally:
        await client.close()


async def raises(error: type[Exception], call: Awaitable[Any]) -> None:
    with pytest.raises(error):
        await call


async def again(consumer: Consumer) -> list[Received]:
    """What it reads once it has joined again; until then the log may be away."""

    async def polled() -> list[Received]:
        try:
            return await consumer.poll(1, 0.25)
        except LogUnavailable:
            return []

    return await wait_until(polled, timeout=60, what="a record")


async def test_topics_keep_records_thirty_days_at_least(home: Home, log: Log) -> None:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    topic = await home.topic(retention_hours=1)
    await log.apply_topics([TopicSpec(f"{topic}.long", 1, 24 * 365)])
    admin = AIOKafkaAdminClient(bootstrap_servers=home.url.removeprefix("kafka://"))
    await admin.start()
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in (topic, f"{topic}.long")]
    (answer,) = await admin.describe_configs(asked)
    await admin.close()
    kept = [{name: value for name, value, *_ in resource[4]}["retention.ms"] for resource in answer.resources]
    assert sorted(int(each) // 3_600_000 for each in kept) == [720, 24 * 365]


async def test_a_cluster_that_is_just_starting_makes_no_topic_with_one_copy(home: Home, log: Log, kafka: KafkaCluster) -> None:
    """The URL names three brokers and one is up: the topics wait for the others."""
    name = f"early-{uuid4().hex}"
    early = open_log(f"{kafka.url},127.0.0.1:1,127.0.0.1:2")
    with pytest.raises(LogUnavailable, match="did not create"):
        await early.apply_topics([TopicSpec(name)])
    await early.close()
    assert not await log.lag("g", [name])
