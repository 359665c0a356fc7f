"""Records that could not be handled, kept with their reason; and the records parked behind them.

A letter's id is made of group, topic and event id, so a repeat of the same trouble counts up instead of piling up.
Later records of the same key wait (*parked*) in the order of their offsets. A record without a readable key parks nothing.
"""

import base64
import traceback
from collections.abc import Sequence
from typing import Any

import structlog

from shared import clock, ids
from shared.errors import YijianError
from shared.events import messages
from shared.events.catalog import CASES, DEAD_LETTERS
from shared.events.envelope import Event, to_record
from shared.log.port import Log, Partition, Received
from shared.observability import metrics
from shared.store.port import Collection, Document, Duplicate, Index, Store, Stored, Value

LETTERS = Collection(
    "deadletters",
    (Index("by_partition", ("group", "topic", "partition", "status")), Index("by_status", ("status", "reason", "at"))),
)
PARKED = Collection("parked", (Index("by_key", ("group", "topic", "partition", "key", "offset")),))
_OPEN = ("dead", "replay")
_PAGE = 500


class DeadLetters:
    """The letters of one consumer group, in its service's own store."""

    def __init__(self, store: Store, log: Log, *, service: str, group: str) -> None:
        self._store, self._log = store, log
        self._service, self._group = service, group
        self._blocked: dict[Partition, set[str]] = {}
        self._logger = structlog.get_logger(module=__name__, group=group)

    async def assigned(self, partitions: frozenset[Partition]) -> None:
        """Know the blocked keys of exactly these partitions; those of newly held ones are read from the store."""
        for gone in self._blocked.keys() - partitions:
            del self._blocked[gone]
        for new in partitions - self._blocked.keys():
            self._blocked[new] = await self._read_blocked(new)

    def blocks(self, record: Received) -> bool:
        """Whether an earlier record of the same key is a dead letter."""
        return record.key is not None and record.key in self._blocked.get(record.partition, ())

    async def keep(self, record: Received, event: Event | None, error: BaseException, attempts: int) -> None:
        """Store the record with its reason, block its key, and announce it."""
        letter = self._letter(record, event, error, attempts)
        (result,) = await self._store.insert(LETTERS, [letter])
        if isinstance(result, Duplicate):
            await self._count_up(letter.id, attempts)
        if record.key is not None:
            self._blocked.setdefault(record.partition, set()).add(record.key)
        metrics.DEAD_LETTERS.labels(self._group, letter.body["reason"]).inc()
        self._logger.error("dead_letter", letter=letter.id, reason=letter.body["reason"], attempts=attempts)
        await self._announce(letter, record)

    async def park(self, records: Sequence[Received]) -> None:
        """Keep these behind the dead letter of their key."""
        if records:
            await self._store.insert(PARKED, [self._parked(record) for record in records])

    async def count(self) -> dict[str, int]:
        """How many letters are open and how many records are parked, for the account."""
        dead = [await self._store.count(LETTERS, "by_status", {"status": status}) for status in _OPEN]
        return {"dead": sum(dead), "parked": await self._store.count(PARKED, "by_key", {"group": self._group})}

    async def _read_blocked(self, partition: Partition) -> set[str]:
        blocked: set[str] = set()
        for status in _OPEN:
            cursor: str | None = None
            while True:
                prefix: dict[str, Value] = {
                    "group": self._group,
                    "topic": partition.topic,
                    "partition": partition.number,
                    "status": status,
                }
                page = await self._store.page(LETTERS, "by_partition", prefix, limit=_PAGE, after=cursor)
                blocked.update(letter.body["key"] for letter in page.documents if letter.body["key"] is not None)
                cursor = page.cursor
                if cursor is None:
                    break
        return blocked

    async def _count_up(self, letter_id: str, attempts: int) -> None:
        found = (await self._store.get(LETTERS, [letter_id]))[letter_id]
        found.body |= {"attempts": found.body["attempts"] + attempts, "status": "dead", "at": clock.timestamp()}
        results = await self._store.replace(LETTERS, [found])
        if not isinstance(results[0], Stored):  # somebody else counted at the same moment: once more from the start
            await self._count_up(letter_id, attempts)

    async def _announce(self, letter: Document, record: Received) -> None:
        message_id = _message_id(letter, record)
        if message_id is None:
            return
        data = messages.MessageDead(message_id=message_id, service=self._service, letter=letter.id, reason=letter.body["reason"])
        event = Event(
            id=ids.event_id(letter.id, messages.DEAD), type=messages.DEAD, source=f"/services/{self._service}",
            subject=message_id, time=clock.timestamp(), data=data.model_dump(),
        )  # fmt: skip
        await self._log.publish([to_record(event, DEAD_LETTERS)])

    def _letter(self, record: Received, event: Event | None, error: BaseException, attempts: int) -> Document:
        identity = event.id if event else f"{record.partition.number}-{record.offset}"
        body = self._where(record) | {
            "event_id": event.id if event else None,
            "type": event.type if event else None,
            "reason": error.slug if isinstance(error, YijianError) else type(error).__name__,
            "detail": str(error)[:2000] if isinstance(error, YijianError) else "",
            "stack": "".join(traceback.format_tb(error.__traceback__))[-4000:],
            "attempts": attempts,
            "status": "dead",
            "at": clock.timestamp(),
        }
        return Document(f"{self._group}/{record.partition.topic}/{identity}", body)

    def _parked(self, record: Received) -> Document:
        where = record.partition
        return Document(f"{self._group}/{where.topic}/{where.number}/{record.offset:020}", self._where(record))

    def _where(self, record: Received) -> dict[str, Any]:
        return {
            "group": self._group,
            "topic": record.partition.topic,
            "partition": record.partition.number,
            "offset": record.offset,
            "key": record.key,
            "headers": dict(record.headers),
            "payload": base64.b64encode(record.value).decode(),
        }


def _message_id(letter: Document, record: Received) -> str | None:
    if letter.body["event_id"] is None or record.partition.topic in {CASES, DEAD_LETTERS}:
        return None
    return record.key or None
