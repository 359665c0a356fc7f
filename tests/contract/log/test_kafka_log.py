"""What only the Kafka log has to prove: brokers that go and come back under it."""

import asyncio
from uuid import uuid4

import pytest

from shared.errors import LogUnavailable
from shared.log import Log, Record, TopicSpec, open_log
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
