"""Records that could not be handled, kept with their reason; and the records parked behind them.

A letter's id is made of group, topic and event id, so a repeat of the same trouble counts up instead of piling up.
Later records of the same key wait (*parked*) in the order of their offsets. A record without a readable key parks nothing.

A letter is `dead`, then what an operator makes of it: `replay` (whoever holds its partition handles it again; then it is
`replayed`, or `dead` again) or `discarded`. What is parked behind a key flows when no letter of that key is open.
"""

import base64
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import structlog

from shared import clock, ids
from shared.errors import Permanent, RecordRefused, Transient, YijianError
from shared.events import messages
from shared.events.catalog import CLASSIFIED, DEAD_LETTERS, MESSAGES
from shared.events.envelope import Event, from_record, to_record
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
_FOLLOWED = 50
_PATIENCE_SECONDS = 0.5
"""How long parked records are handled before the loop looks at what has come meanwhile: others wait behind them."""

Handle: TypeAlias = Callable[[Received], Awaitable[None]]
"""Handles one record, and raises what is wrong with it."""


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

    def forget(self) -> None:
        """Know no blocked keys any more: the partitions may be another's meanwhile."""
        self._blocked.clear()

    def blocks(self, record: Received) -> bool:
        """Whether an earlier record of the same key is a dead letter."""
        return record.key is not None and record.key in self._blocked.get(record.partition, ())

    async def keep(self, record: Received, event: Event | None, error: BaseException, attempts: int) -> None:
        """Store the record with its reason, block its key, and announce it."""
        letter = self._letter(record, event, error, attempts)
        if await file(self._store, letter):
            if record.key is not None:
                self._blocked.setdefault(record.partition, set()).add(record.key)
            metrics.DEAD_LETTERS.labels(self._group, letter.body["reason"]).inc()
            self._logger.error("dead_letter", letter=letter.id, reason=letter.body["reason"], attempts=attempts)
        await self._announce(letter, record)

    async def park(self, records: Sequence[Received]) -> None:
        """Keep these behind the dead letter of their key. One that is such a letter itself, delivered again, is there already:
        it is announced again, since the first time may have failed."""
        if not records:
            return
        names = [self._letter_id(record, _event(record)) for record in records]
        letters = await self._store.get(LETTERS, names)
        for record, name in zip(records, names, strict=True):
            if name in letters and letters[name].body["status"] != "replayed":
                await self._announce(letters[name], record)
        behind = [record for record, name in zip(records, names, strict=True) if name not in letters]
        await self._store.insert(PARKED, [self._parked(record) for record in behind])

    async def count(self) -> dict[str, int]:
        """How many letters are open and how many records are parked, for the account."""
        dead = [await self._store.count(LETTERS, "by_status", {"status": status}) for status in _OPEN]
        return {"dead": sum(dead), "parked": await self._store.count(PARKED, "by_key", {"group": self._group})}

    async def replay(self, handle: Handle) -> None:
        """Handle again what an operator has marked, then what is parked behind no letter any more, in order, for a while.

        Only of the partitions that are held. A record that fails again is a dead letter again. Raises `Transient`."""
        for letter in await self._marked():
            await self._replay_one(letter, handle)
        deadline = clock.monotonic() + _PATIENCE_SECONDS
        for partition in [held for held, keys in self._blocked.items() if keys]:
            open_keys = await self._open_keys(partition)
            for key in self._blocked[partition] - open_keys:
                await self._follow(partition, key, handle, deadline)

    async def _marked(self) -> list[Document]:
        """Letters of the held partitions that are to be handled again: some of them, the rest next time."""
        mine: list[Document] = []
        cursor: str | None = None
        while True:
            page = await self._store.page(LETTERS, "by_status", {"status": "replay"}, limit=_PAGE, after=cursor)
            mine += [one for one in page.documents if one.body["group"] == self._group and _partition(one.body) in self._blocked]
            if (cursor := page.cursor) is None or len(mine) >= _FOLLOWED:
                return mine[:_FOLLOWED]

    async def _replay_one(self, letter: Document, handle: Handle) -> None:
        error = await _attempt(handle, received(letter.body))
        if error is None:
            letter.body |= {"status": "replayed", "closed_at": clock.timestamp()}
            self._logger.info("dead_letter_replayed", letter=letter.id)
        else:
            letter.body |= {"status": "dead", "attempts": letter.body["attempts"] + 1} | _reason(error)
            self._logger.error("dead_letter_again", letter=letter.id, reason=letter.body["reason"])
        await self._store.replace(LETTERS, [letter])  # whoever changed it meanwhile: the letter is looked at again

    async def _follow(self, partition: Partition, key: str, handle: Handle, deadline: float) -> None:
        """Handle what is parked behind this key; when nothing is left, the key flows again."""
        prefix = {**self._held(partition), "key": key}
        while clock.monotonic() < deadline:
            page = await self._store.page(PARKED, "by_key", prefix, limit=_FOLLOWED)
            for parked in page.documents:
                record = received(parked.body)
                if error := await _attempt(handle, record):
                    await self.keep(record, _event(record), error, 1)
                await self._store.delete(PARKED, [parked.id])
                if error:
                    return
            if page.cursor is None:
                self._blocked[partition].discard(key)
                return

    async def _read_blocked(self, partition: Partition) -> set[str]:
        """The keys that wait: behind an open letter, or parked behind one that is closed."""
        return await self._open_keys(partition) | await self._parked_keys(partition)

    async def _parked_keys(self, partition: Partition) -> set[str]:
        return await self._keys(PARKED, "by_key", self._held(partition))

    async def _open_keys(self, partition: Partition) -> set[str]:
        held = self._held(partition)
        return {key for status in _OPEN for key in await self._keys(LETTERS, "by_partition", {**held, "status": status})}

    def _held(self, partition: Partition) -> dict[str, Value]:
        return {"group": self._group, "topic": partition.topic, "partition": partition.number}

    async def _keys(self, collection: Collection, index: str, prefix: dict[str, Value]) -> set[str]:
        """The keys of all records under this prefix, page by page."""
        keys: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._store.page(collection, index, prefix, limit=_PAGE, after=cursor)
            keys.update(one.body["key"] for one in page.documents if one.body["key"] is not None)
            if (cursor := page.cursor) is None:
                return keys

    async def _announce(self, letter: Document, record: Received) -> None:
        message_id = _message_id(letter, record)
        if message_id is None:
            return
        data = messages.MessageDead(message_id=message_id, service=self._service, letter=letter.id, reason=letter.body["reason"])
        event = Event(
            id=ids.event_id(letter.id, messages.DEAD), type=messages.DEAD, source=f"/services/{self._service}",
            subject=message_id, time=clock.timestamp(), data=data.model_dump(),
        )  # fmt: skip
        try:
            await self._log.publish([to_record(event, DEAD_LETTERS)])
        except RecordRefused as error:  # nobody's message has an id as large as that
            self._logger.warning("dead_letter_not_announced", letter=letter.id[:200], reason=str(error)[:200])

    def _letter(self, record: Received, event: Event | None, error: BaseException, attempts: int) -> Document:
        body = self._where(record) | {
            "event_id": event.id if event else None,
            "type": event.type if event else None,
            **_reason(error),
            "attempts": attempts,
            "status": "dead",
            "at": clock.timestamp(),
        }
        return Document(self._letter_id(record, event), body)

    def _letter_id(self, record: Received, event: Event | None) -> str:
        identity = event.id if event else f"{record.partition.number}-{record.offset}"
        return f"{self._group}/{record.partition.topic}/{identity}"

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


async def file(store: Store, letter: Document) -> bool:
    """Keep a letter; one that is there counts up and is `dead` again, unless an operator has discarded it: then False."""
    while True:
        (result,) = await store.insert(LETTERS, [letter])
        known = (await store.get(LETTERS, [letter.id])).get(letter.id) if isinstance(result, Duplicate) else None
        if known is None:
            return True
        if known.body["status"] == "discarded":
            return False
        known.body |= letter.body | {"attempts": known.body["attempts"] + letter.body["attempts"]}
        (changed,) = await store.replace(LETTERS, [known])
        if isinstance(changed, Stored):
            return True


def received(body: Mapping[str, Any]) -> Received:
    """The record that a letter (as an operator has mended it) or a parked record holds."""
    mended = body.get("mended") or {}
    payload, headers = mended.get("payload", body["payload"]), mended.get("headers", body["headers"])
    return Received(_partition(body), body["offset"], body["key"], base64.b64decode(payload), headers, published_at=0.0)


async def _attempt(handle: Handle, record: Received) -> Exception | None:
    """What went wrong with this record, if anything. A dependency's trouble is raised: it says nothing about the record."""
    try:
        await handle(record)
    except Transient:
        raise
    except Exception as error:
        return error
    return None


def _event(record: Received) -> Event | None:
    try:
        return from_record(record)
    except Permanent:
        return None


def _reason(error: BaseException) -> dict[str, str]:
    known = error if isinstance(error, YijianError) else None  # only our own errors are sure to hold nothing personal
    return {
        "reason": known.slug if known else type(error).__name__,
        "detail": str(error)[:2000] if known else "",
        "stack": "".join(traceback.format_tb(error.__traceback__))[-4000:],
    }


def _partition(body: Mapping[str, Any]) -> Partition:
    return Partition(body["topic"], body["partition"])


def _message_id(letter: Document, record: Received) -> str | None:
    """Which message it is about: only on these two topics a record's key says so."""
    if letter.body["event_id"] is None or record.partition.topic not in {MESSAGES, CLASSIFIED}:
        return None
    return record.key or None
