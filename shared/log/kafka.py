"""The log of a cluster: Apache Kafka. aiokafka is imported here, in `kafka_consumer.py` and in `kafka_client.py` only;
`kafka_cluster.py` needs its objects, not its names.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from shared.errors import LogUnavailable, RecordRefused
from shared.log import kafka_cluster as cluster
from shared.log.kafka_client import TROUBLE, connected, end, give_up, start, unavailable
from shared.log.kafka_consumer import KafkaConsumer
from shared.log.limits import refuse_what_never_fits
from shared.log.port import Consumer, Lag, Partition, Position, Record, TopicSpec

_MAX_REQUEST_BYTES = 1_100_000
"""A record at the port's limit, with what Kafka adds to it."""
_MAX_BATCH_BYTES = 512 * 1024
_PUBLISH_TIMEOUT_MS = 15_000  # then a batch is published anew; the library's 40 s are long when all brokers died together
_PATIENCE_SECONDS = 45.0
"""Three times that: a client that is well has told by then what became of a batch."""


class KafkaLog:
    """See `shared.log.port.Log`. Connects at first use, and again after trouble. Used from one event loop."""

    def __init__(self, brokers: Sequence[str]) -> None:
        """`brokers` are addresses as `host:port`; some of the cluster's are enough."""
        self._brokers = list(brokers)
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """See the port. What was taken for sending is sent to its end even when the caller is cancelled.

        A topic made by others may have a smaller limit than the port's; a record it refuses is a `RecordRefused`, and
        then the rest of the batch may have been stored."""
        refuse_what_never_fits(records)
        if self._closed:
            raise LogUnavailable("the log is closed")
        return await asyncio.shield(self._in_background(self._publish(list(records)))) if records else []

    def subscribe(
        self, group: str, topics: Sequence[str], *, session_timeout: float = 6.0
    ) -> AbstractAsyncContextManager[Consumer]:
        """See the port. The brokers' `group.min.session.timeout.ms` (6 s by default) is a lower bound."""
        return aclosing(KafkaConsumer(self._brokers, group, topics, session_timeout))

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> list[str]:
        """See the port. Three copies where there are three brokers, or where the URL names three: a cluster that is just
        starting must not make topics with one copy for ever. Kept 30 days or as long as the spec says, if longer.
        What a topic that exists is set to is left to the cluster's operator."""
        async with self._admin() as admin:
            known = await cluster.partitions(admin)
            copies = min(3, max(len(self._brokers), await cluster.brokers(admin)))
            missing = [
                NewTopic(spec.name, spec.partitions, copies, topic_configs=cluster.topic_settings(spec, copies))
                for spec in topics
                if spec.name not in known
            ]
            answer = (await admin.create_topics(missing)).topic_errors if missing else []
            created = cluster.created(answer)
            await cluster.spread(admin, created)
        return created

    async def lag(self, group: str, topics: Sequence[str]) -> dict[Partition, Lag]:
        """See the port."""
        async with self._admin() as admin:
            known = await cluster.partitions(admin)
            partitions = [TopicPartition(topic, number) for topic in topics for number in known.get(topic, ())]
            if not partitions:
                return {}  # a consumer that is stopped before it has done anything raises CancelledError
            committed = await cluster.committed(admin, group, partitions)
        async with self._looking() as consumer:
            first, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            at = {tp: committed.get(tp, first[tp]) for tp in partitions}
            behind = {tp: max(at[tp], first[tp]) for tp in partitions if at[tp] < end[tp]}
            times = await cluster.times_at(consumer, behind)
        return {Partition(*tp): Lag(at[tp], end[tp], times.get(tp)) for tp in partitions}

    async def trim(self, groups: Mapping[str, Sequence[str]]) -> int:
        """Nothing: Kafka deletes by itself what is older than the topic's retention."""
        return 0

    async def check(self) -> None:
        """See the port: asks a broker for the cluster."""
        async with self._admin() as admin:
            await admin.describe_cluster()

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        producer, self._producer = self._producer, None
        if producer is not None:
            await end(producer, _PATIENCE_SECONDS)

    def _admin(self) -> AbstractAsyncContextManager[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers)
        return connected(admin, admin.close)

    def _looking(self) -> AbstractAsyncContextManager[Any]:
        """A consumer without a group."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._brokers, max_partition_fetch_bytes=64 * 1024)
        return connected(consumer, partial(end, consumer, 1.0))

    def _in_background(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when the caller was cancelled and does not look

    async def _publish(self, records: list[Record]) -> list[Position]:
        with unavailable():
            producer = await self._started()
            try:
                await cluster.refuse_unknown_topics(producer.client, records)
            except TROUBLE:
                self._discard(producer)
                raise
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                outcomes = await _send(producer, records)
        except TimeoutError:
            self._discard(producer)
            await give_up(producer)  # so that nothing of it is sent once it is published anew
            raise LogUnavailable(f"Kafka: nothing became of a batch in {_PATIENCE_SECONDS} s") from None
        if failures := {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)}:
            self._discard(producer)
            raise _failure(failures)
        return [Position(Partition(stored.topic, stored.partition), stored.offset) for stored in outcomes]

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._brokers,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=_MAX_REQUEST_BYTES,
                    max_batch_size=_MAX_BATCH_BYTES,
                    request_timeout_ms=_PUBLISH_TIMEOUT_MS,
                )
                await start(producer)
                self._producer = producer
            return self._producer

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """An idempotent producer that failed once may fail for ever (aiokafka #1017): the next publish builds another."""
        if self._producer is producer:
            self._producer = None
            self._in_background(end(producer, _PATIENCE_SECONDS))


async def _send(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[Any]:
    """What became of each record: its metadata or the exception. Returns only when nothing of it is under way any more."""
    sent: list[Any] = []
    try:
        for record in records:
            headers = [(name, text.encode()) for name, text in record.headers.items()]
            sent.append(await producer.send(record.topic, record.value, key=record.key.encode(), headers=headers))
    except TROUBLE as error:
        return [*await asyncio.gather(*sent, return_exceptions=True), error]
    return await asyncio.gather(*sent, return_exceptions=True)


def _failure(failures: Mapping[int, BaseException]) -> Exception:
    refused = {index: repr(error) for index, error in failures.items() if isinstance(error, MessageSizeTooLargeError)}
    return RecordRefused(refused) if refused else LogUnavailable(f"Kafka: {next(iter(failures.values()))!r}")
