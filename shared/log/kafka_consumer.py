"""A member of a consumer group on Apache Kafka."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from shared.clock import monotonic
from shared.errors import LeaseLost, LogUnavailable
from shared.log import kafka_cluster as cluster
from shared.log.kafka_client import TROUBLE, end, start, unavailable
from shared.log.port import Partition, Received

_MAX_FETCH_BYTES = 2 * 1024 * 1024
_SILENCE_SECONDS = 15.0
"""A client that has heard nothing for so long is asked whether it still hears."""
_DEALING_SECONDS = 1.0


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """What rebalances have touched since the last poll; of one client, since one that was given up may still be told of some."""

    def __init__(self) -> None:
        self.touched: set[Partition] = set()
        self.committing: asyncio.Task[None] | None = None

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Called by aiokafka before it joins the next generation, at any time: what was read is stale from now on."""
        self.touched.update(Partition(*tp) for tp in revoked)
        if self.committing is not None:
            self.committing.cancel()  # its retry would go out under the next generation and could move a commit back

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Called by aiokafka when it has joined: what an earlier poll gave of these is stale too."""
        self.touched.update(Partition(*tp) for tp in assigned)


class KafkaConsumer:
    """See `shared.log.port.Consumer`; made by `KafkaLog.subscribe`."""

    def __init__(self, brokers: Sequence[str], group: str, topics: Sequence[str], session_timeout: float) -> None:
        self._brokers = list(brokers)
        self._group = group
        self._topics = tuple(topics)
        self._session_timeout = session_timeout
        self._consumer: AIOKafkaConsumer | None = None
        self._assigned: frozenset[Partition] = frozenset()
        self._rebalances = _Rebalances()
        self._leaving: set[asyncio.Task[None]] = set()
        self._heard_at = 0.0

    async def poll(self, limit: int, wait: float) -> list[Received]:
        """See the port. A broker that goes away later shows as silence here, and as `LogUnavailable` when that has lasted."""
        with unavailable():
            consumer = self._consumer or await self._join()
            try:
                batches = await _read(consumer, limit, wait)
                await self._doubt(consumer, silent=not batches)
            except TROUBLE:
                self._abandon()
                raise
        if batches is None:
            return []
        self._assigned = frozenset(Partition(*tp) for tp in consumer.assignment())
        self._rebalances.touched.clear()
        return [cluster.received(record) for records in batches.values() for record in records]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See the port. Whatever a rebalance has touched since the last poll counts as lost, also what came back."""
        if not offsets:
            return
        lost = [p for p in offsets if p not in self._assigned or p in self._rebalances.touched]
        if lost or self._consumer is None:
            raise LeaseLost("no longer held: " + ", ".join(f"{topic}/{number}" for topic, number in lost))
        work = self._consumer.commit({TopicPartition(*p): offset for p, offset in offsets.items()})
        self._rebalances.committing = task = asyncio.create_task(work)
        try:
            await asyncio.wait([task], timeout=self._session_timeout)
            _result(task, self._session_timeout)
        except LogUnavailable:
            self._abandon()
            raise
        finally:
            task.cancel()

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """See the port; partitions that are not held, or came back just now, start at what is committed."""
        for partition in (offsets.keys() & self._assigned) - self._rebalances.touched:
            if self._consumer is not None:
                self._consumer.seek(TopicPartition(*partition), offsets[partition])

    def assigned(self) -> frozenset[Partition]:
        """See the port."""
        return self._assigned

    async def aclose(self) -> None:
        """Leave the group. When no broker can be told, others take over after the session's time."""
        self._abandon()
        await asyncio.gather(*self._leaving)

    def _abandon(self) -> None:
        """Give the client up: the next poll joins with another one and starts at what is committed.

        After brokers died a client may wait for an answer that never comes, and with it all its commits and heartbeats."""
        consumer, self._consumer = self._consumer, None
        self._assigned = frozenset()
        if consumer is not None:
            task = asyncio.create_task(end(consumer))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _doubt(self, consumer: AIOKafkaConsumer, *, silent: bool) -> None:
        """After a long silence: ask the group's coordinator and a partition's leader whether there is really nothing.
        Raises TimeoutError when they do not answer."""
        if not silent:
            self._heard_at = monotonic()
        if monotonic() - self._heard_at < _SILENCE_SECONDS:
            return
        held = sorted(consumer.assignment())[:1]
        async with asyncio.timeout(self._session_timeout):
            await consumer.committed(*held or [TopicPartition(self._topics[0], 0)])
            await consumer.end_offsets(held)
        self._heard_at = monotonic()

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
        await start(consumer)
        # Only now: a consumer that starts subscribed waits for its topics and its share, however long they take.
        self._rebalances = _Rebalances()
        consumer.subscribe(self._topics, listener=self._rebalances)
        self._consumer, self._heard_at = consumer, monotonic()
        return consumer


async def _read(consumer: AIOKafkaConsumer, limit: int, wait: float) -> dict[Any, Any] | None:
    """What has come. None while the group deals out its partitions: the library waits for that whatever time-out it is given."""
    try:
        async with asyncio.timeout(wait + _DEALING_SECONDS):
            return dict(await consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit))
    except TimeoutError:
        return None


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
    except TROUBLE as error:
        raise LogUnavailable(f"Kafka: {error!r}") from error
