"""The log port: what the services may ask of an event log, and what it promises.

Promises, held by one contract suite (`tests/contract/log`) against every implementation:

* `publish` returns only when every record of the batch is durable; records of one key keep their order.
* A consumer group shares a topic's partitions among its members; a dead member's partitions are taken over.
* A record is delivered again until its offset is committed by the member that holds the partition's lease.
* A new group starts at the earliest record. Offsets grow by a counter and are never used twice.
* A record may be up to 1,000,000 bytes with its headers.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

MAX_RECORD_BYTES = 1_000_000
"""Key, value and headers of one record together may not exceed this."""


class Partition(NamedTuple):
    """One ordered part of a topic."""

    topic: str
    number: int


class Record(NamedTuple):
    """A record to publish. Records with the same key go to the same partition, in order."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = {}


class Position(NamedTuple):
    """Where a published record was stored."""

    partition: Partition
    offset: int


class Received(NamedTuple):
    """A record as a consumer gets it. Foreign records may have no key, and headers that are not text are replaced."""

    partition: Partition
    offset: int
    key: str | None
    value: bytes
    headers: Mapping[str, str]
    published_at: float
    """When the log stored it, seconds since the epoch: for showing and for lag, never for order."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as the catalogue wants it. Its partition count never changes once it exists."""

    name: str
    partitions: int = 4
    retention_hours: float = 30 * 24


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in one partition."""

    committed: int
    """The next offset the group will read after a restart."""
    end: int
    """The next offset the log will give out."""
    oldest_uncommitted: float | None
    """When the first uncommitted record was published (seconds since the epoch); None when there is none, or unknown."""


class Consumer(Protocol):
    """One member of a consumer group. Not safe to use from two tasks at once."""

    async def poll(self, limit: int, wait: float) -> list[Received]:
        """Up to `limit` next records of the partitions held, after at most `wait` seconds; empty when there are none.

        Advances this member's read position, not the committed one. Records of one partition come in order.
        Raises `LogUnavailable`; polling again is allowed and goes on where it was, or at what is committed.
        """

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store the next offsets to read. Raises `LeaseLost` when a partition is no longer held (none is then moved
        back; those still held may or may not be committed), `LogUnavailable` when the log cannot be reached."""

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Read on from these offsets (a handler that failed for a transient reason reads its batch again)."""

    def assigned(self) -> frozenset[Partition]:
        """The partitions held now. Changes only inside `poll`."""


class Log(Protocol):
    """An event log. One per process; `close` it when the process ends."""

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """Store a batch durably, in order per key; positions come in the order of `records`.

        Raises `RecordRefused` when a record can never be stored (too large, unknown topic): nothing of the batch was
        stored. Raises `LogUnavailable` when it is not known what was stored: publish again, consumers drop repeats.
        The caller must not put a time-out of its own around it (it doubled and reordered records when tried), and
        cancelling it does not undo it.
        """

    def subscribe(
        self, group: str, topics: Sequence[str], *, session_timeout: float = 6.0
    ) -> AbstractAsyncContextManager[Consumer]:
        """Join a group; leaving the context releases the partitions at once. A member that is silent for
        `session_timeout` seconds is dead, and others take over."""

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Create those that are missing; the names created. Never changes a partition count."""

    async def lag(self, group: str, topics: Sequence[str]) -> dict[Partition, Lag]:
        """How far the group is behind, for every partition of these topics that exist."""

    async def trim(self, groups: Mapping[str, Sequence[str]]) -> int:
        """Delete records that are older than their topic's retention *and* passed by every group of `groups`
        (group → topics) that reads their topic; how many went. Kafka does it by itself and answers 0."""

    async def check(self) -> None:
        """Raise `LogUnavailable` (with the reason) when the log cannot be used now."""

    async def close(self) -> None:
        """Finish what is being published, then release everything."""
