"""What the Kafka log asks of a cluster, and how Kafka's shapes become the port's. Gets aiokafka's objects from
`kafka.py`, the library's only door (they carry no types)."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.clock import monotonic, sleep
from shared.errors import LogUnavailable, RecordRefused
from shared.log.port import Partition, Received, Record, TopicSpec

_MIN_RETENTION_HOURS = 30 * 24
_MAX_MESSAGE_BYTES = 1_200_000
"""A record at the port's limit, with what Kafka adds to it."""
_SPREAD_SECONDS = 10.0
_SETTLE_SECONDS = 15.0
_UNKNOWN_SECONDS = 3.0
"""How long a new topic may take to be known by every broker: it is unknown only after that."""
_TOPIC_ALREADY_EXISTS = 36
_LOOK_SECONDS = 1.0


async def brokers(admin: Any) -> int:
    """How many brokers the cluster has now."""
    return len((await admin.describe_cluster())["brokers"])


async def partitions(admin: Any) -> dict[str, list[int]]:
    """Topic → its partitions' numbers, for every topic that is ready to be used."""
    topics = await admin.describe_topics()
    return {topic["topic"]: [part["partition"] for part in topic["partitions"]] for topic in topics if not topic["error_code"]}


def created(answer: Sequence[tuple[Any, ...]]) -> list[str]:
    """The names a creation's answer says are new; not those somebody else created a moment before."""
    for name, code, reason in answer:
        if code not in {0, _TOPIC_ALREADY_EXISTS}:
            raise LogUnavailable(f"Kafka did not create {name}: error {code}, {reason}")
    return [name for name, code, _ in answer if code == 0]


async def refuse_unknown_topics(client: Any, records: Sequence[Record]) -> None:
    """Raise `RecordRefused` before anything is sent, and only when a topic stays unknown long enough to be believed."""
    deadline = monotonic() + _UNKNOWN_SECONDS
    unknown = {record.topic for record in records if client.cluster.partitions_for_topic(record.topic) is None}
    while unknown:
        unknown -= (await client.fetch_all_metadata()).topics()
        if unknown and monotonic() > deadline:
            raise RecordRefused({i: f"unknown topic {r.topic}" for i, r in enumerate(records) if r.topic in unknown})
        if unknown:
            await sleep(0.2)


async def spread(admin: Any, created: Sequence[str]) -> None:
    """Wait until a broker that is asked knows the new topics; go on after ten seconds, they will come."""
    deadline = monotonic() + _SPREAD_SECONDS
    while not set(created) <= (await partitions(admin)).keys() and monotonic() < deadline:
        await sleep(0.05)


def topic_settings(spec: TopicSpec, copies: int) -> dict[str, str]:
    """The settings of a new topic: kept at least 30 days, safe with one of three brokers away, dated by the broker."""
    return {
        "retention.ms": str(int(max(spec.retention_hours, _MIN_RETENTION_HOURS) * 3_600_000)),
        "min.insync.replicas": "2" if copies == 3 else "1",
        "max.message.bytes": str(_MAX_MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime",
    }


async def committed(admin: Any, group: str, asked: list[Any]) -> dict[Any, int]:
    """What the group has committed of these, where it has. The first question about groups ever makes a new cluster
    create their topic and answer with an error: ask again."""
    deadline = monotonic() + _SETTLE_SECONDS
    while asked:
        try:
            found = await admin.list_consumer_group_offsets(group, partitions=asked)
            return {partition: known.offset for partition, known in found.items() if known.offset >= 0}
        except RuntimeError as error:  # aiokafka's errors are
            if not getattr(error, "retriable", False) or monotonic() > deadline:
                raise
            await sleep(0.2)
    return {}


async def times_at(consumer: Any, positions: Mapping[Any, int]) -> dict[Partition, float]:
    """When the records at these positions were stored (seconds since the epoch), for those that answer in a second."""
    if not positions:
        return {}
    consumer.assign(list(positions))
    for partition, offset in positions.items():
        consumer.seek(partition, offset)
    times: dict[Partition, float] = {}
    deadline = monotonic() + _LOOK_SECONDS
    while (missing := [tp for tp in positions if tp not in times]) and monotonic() < deadline:
        batches = await consumer.getmany(*missing, timeout_ms=100)
        times |= {Partition(*tp): records[0].timestamp / 1000 for tp, records in batches.items() if records}
    return times


def received(record: Any) -> Received:
    """A consumer's record as the port has it. Kafka lets others leave out key and value and put any bytes anywhere."""
    key = None if record.key is None else record.key.decode(errors="replace")
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    partition = Partition(record.topic, record.partition)
    return Received(partition, record.offset, key, record.value or b"", headers, record.timestamp / 1000)
