"""The log of a cluster: Apache Kafka. The only importer of aiokafka; `kafka_cluster.py` needs its objects, not its names."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, MessageSizeTooLargeError

from shared.errors import LeaseLost, LogUnavailable, RecordRefused
from shared.log import kafka_cluster as cluster
from shared.log.limits import refuse_what_never_fits
from shared.log.port import Consumer, Lag, Partition, Position, Received, Record, TopicSpec

_TROUBLE = (KafkaError, OSError, TimeoutError)
_MAX_REQUEST_BYTES = 1_100_000
"""A record at the port's limit, with what Kafka adds to it."""
_MAX_BATCH_BYTES = 512 * 1024
_MAX_FETCH_BYTES = 2 * 1024 * 1024
_PUBLISH_TIMEOUT_MS = 15_000  # then a batch is published anew; the library's 40 s are long when all brokers died together


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
            await producer.stop()

    def _admin(self) -> AbstractAsyncContextManager[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers)
        return _connected(admin, admin.close)

    def _looking(self) -> AbstractAsyncContextManager[Any]:
        """A consumer without a group."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._brokers, max_partition_fetch_bytes=64 * 1024)
        return _connected(consumer, consumer.stop)

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
        with _unavailable():
            producer = await self._started()
            try:
                await cluster.refuse_unknown_topics(producer.client, records)
            except _TROUBLE:
                self._discard(producer)
                raise
        outcomes = await _send(producer, records)
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
                await _start(producer)
                self._producer = producer
            return self._producer

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """An idempotent producer that failed once may fail for ever (aiokafka #1017): the next publish builds another."""
        if self._producer is producer:
            self._producer = None
            self._in_background(producer.stop())


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """See `shared.log.port.Consumer`; made by `KafkaLog.subscribe`."""

    def __init__(self, brokers: Sequence[str], group: str, topics: Sequence[str], session_timeout: float) -> None:
        self._brokers = list(brokers)
        self._group = group
        self._topics = tuple(topics)
        self._session_timeout = session_timeout
        self._consumer: AIOKafkaConsumer | None = None
        self._assigned: frozenset[Partition] = frozenset()
        self._revoked: set[Partition] = set()
        self._committing: asyncio.Task[None] | None = None

    async def poll(self, limit: int, wait: float) -> list[Received]:
        """See the port. A broker that goes away later shows as silence here, and in `check`."""
        with _unavailable():
            consumer = self._consumer or await self._join()
            try:
                batches = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
            except KafkaError:
                await self.aclose()  # the next poll joins again and starts at what is committed
                raise
        self._assigned = frozenset(Partition(*tp) for tp in consumer.assignment())
        self._revoked.clear()
        return [cluster.received(record) for records in batches.values() for record in records]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See the port. Whatever a rebalance has touched since the last poll counts as lost, also what came back."""
        if not offsets:
            return
        lost = [p for p in offsets if p not in self._assigned or p in self._revoked]
        if lost or self._consumer is None:
            raise LeaseLost("no longer held: " + ", ".join(f"{topic}/{number}" for topic, number in lost))
        work = self._consumer.commit({TopicPartition(*p): offset for p, offset in offsets.items()})
        self._committing = task = asyncio.create_task(work)
        try:
            await asyncio.wait([task], timeout=self._session_timeout)
            _result(task, self._session_timeout)
        finally:
            task.cancel()

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """See the port; partitions that are not held, or came back just now, start at what is committed."""
        for partition in (offsets.keys() & self._assigned) - self._revoked:
            if self._consumer is not None:
                self._consumer.seek(TopicPartition(*partition), offsets[partition])

    def assigned(self) -> frozenset[Partition]:
        """See the port."""
        return self._assigned

    async def aclose(self) -> None:
        """Leave the group. When no broker can be told, others take over after the session's time."""
        consumer, self._consumer = self._consumer, None
        self._assigned = frozenset()
        if consumer is not None:
            with suppress(*_TROUBLE):
                await consumer.stop()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Called by aiokafka before it joins the next generation, at any time: what was read is stale from now on."""
        self._revoked.update(Partition(*tp) for tp in revoked)
        if self._committing is not None:
            self._committing.cancel()  # its retry would go out under the next generation and could move a commit back

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Called by aiokafka when it has joined: what an earlier poll gave of these is stale too."""
        self._revoked.update(Partition(*tp) for tp in assigned)

    async def _join(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            group_id=self._group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=int(self._session_timeout * 1000),
            heartbeat_interval_ms=int(min(3.0, self._session_timeout / 3) * 1000),
            max_partition_fetch_bytes=_MAX_FETCH_BYTES,
            metadata_max_age_ms=30_000,
        )
        await _start(consumer)
        # Only now: a consumer that starts subscribed waits for its topics and its share, however long they take.
        consumer.subscribe(self._topics, listener=self)
        self._consumer = consumer
        return consumer


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise LogUnavailable(f"Kafka: {error!r}") from error


@asynccontextmanager
async def _connected(client: Any, end: Callable[[], Awaitable[None]]) -> AsyncIterator[Any]:
    with _unavailable():
        try:
            await client.start()
            yield client
        finally:
            await end()


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    try:
        await client.start()
    except BaseException:
        await client.stop()
        raise


async def _send(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[Any]:
    """What became of each record: its metadata or the exception. Returns only when nothing of it is under way any more."""
    sent: list[Any] = []
    try:
        for record in records:
            headers = [(name, text.encode()) for name, text in record.headers.items()]
            sent.append(await producer.send(record.topic, record.value, key=record.key.encode(), headers=headers))
    except _TROUBLE as error:
        return [*await asyncio.gather(*sent, return_exceptions=True), error]
    return await asyncio.gather(*sent, return_exceptions=True)


def _failure(failures: Mapping[int, BaseException]) -> Exception:
    refused = {index: repr(error) for index, error in failures.items() if isinstance(error, MessageSizeTooLargeError)}
    return RecordRefused(refused) if refused else LogUnavailable(f"Kafka: {next(iter(failures.values()))!r}")


def _result(commit: "asyncio.Task[None]", seconds: float) -> None:
    """What became of a commit that had this long."""
    if not commit.done():
        raise LogUnavailable(f"Kafka: no answer to a commit in {seconds} s")
    if commit.cancelled():
        raise LeaseLost("a rebalance came before the commit")
    try:
        commit.result()
    except (CommitFailedError, IllegalStateError) as error:
        raise LeaseLost(str(error)) from error
    except _TROUBLE as error:
        raise LogUnavailable(f"Kafka: {error!r}") from error
