"""The relay: takes events from the tails of documents to the log, each document's in order, none skipped."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from shared.clock import monotonic, now, sleep
from shared.errors import RecordRefused
from shared.failpoints import failpoint
from shared.log.port import Log, Record
from shared.store.port import Collection, Document, Store, StoredEvent

ToRecords: TypeAlias = Callable[[Document, StoredEvent], list[Record]]
OnRefused: TypeAlias = Callable[[Document, StoredEvent, str], Awaitable[None]]

_SWEEP_SECONDS = 1.0
_GATHER_SECONDS = 0.015
"""Between two rounds under load; the first document after a pause goes out at once."""
_BACKOFF_SECONDS = (0.1, 5.0)
_FORGIVE_SECONDS = 10.0
"""What was refused is tried again after this: a topic may have been missing, or a limit raised."""
_PUBLISH_BYTES = 8 * 2**20
"""Roughly what one publish carries at most."""
_REMEMBERED = 20_000
"""Documents whose last published event is kept in memory, about 3 MB."""


class _Due(NamedTuple):
    document: Document
    event: StoredEvent
    records: list[Record]


class Relay:
    """Publishes the pending events of one collection and marks them published.

    One publish is in flight at a time, for many documents. Documents come from `offer`, which saves reading them again;
    whenever that is not enough (at start, after an overflow, after a failure, and once a second to be sure) the relay
    reads `store.pending`. An event is published twice only after a failure or a restart, and then all that follow it are too.
    """

    def __init__(
        self, store: Store, log: Log, collection: Collection, to_records: ToRecords, *,
        batch: int = 500, on_refused: OnRefused | None = None,
    ) -> None:  # fmt: skip
        """`to_records` says what an event becomes on the log (nothing is fine). When the log refuses a record for ever,
        or `to_records` raises, `on_refused` is told (each time anew) and that document waits: for `release`, or for its
        next turn some seconds later."""
        self._store = store
        self._log = log
        self._collection = collection
        self._to_records = to_records
        self._on_refused = on_refused
        self._batch = batch
        self._capacity = 4 * batch
        self._offered: dict[str, tuple[Document, float]] = {}
        self._behind_since: float | None = monotonic()  # what is pending from before is read first
        self._sweep_at = self._gather_until = 0.0
        self._forgive_at = monotonic() + _FORGIVE_SECONDS
        self._seen: dict[str, int] = {}
        self._published: dict[str, int] = {}
        self._unmarked: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._failures = 0
        self.error: str | None = None
        """The last trouble, while it lasts."""
        self.failing_since: datetime | None = None
        """Since when there has been trouble without a success."""
        self.set_aside: dict[str, int] = {}
        """Documents that wait because the event with this number was refused."""

    def offer(self, documents: Iterable[Document]) -> None:
        """Documents just written, as they were passed to the store: a hint that never waits and may be forgotten."""
        for document in documents:
            if document.sequence > document.published and self._behind_since is None:
                self._take_offer(document)
        self._wake.set()

    def release(self, ids: Iterable[str]) -> None:
        """Try documents again that were set aside."""
        for document_id in ids:
            self.set_aside.pop(document_id, None)
        self._fall_behind()

    def oldest_pending(self) -> float:
        """For how many seconds, at most, something has been waiting here; 0 when nothing is."""
        since = self._behind_since
        if since is None:
            since = next((since for _, since in self._offered.values()), None)
        return 0.0 if since is None else monotonic() - since

    async def check(self) -> None:
        """Raise RuntimeError with the reason while nothing can be published."""
        if self.error:
            raise RuntimeError(self.error)

    async def run(self, stop: asyncio.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Publish until `stop` is set and everything offered is out; the caller cancels when that takes too long.

        `beat` is called after every round.
        """
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set() or self._offered or self._behind_since is not None:
                await self._round(stop)
                beat()
        finally:
            stopping.cancel()

    async def _round(self, stop: asyncio.Event) -> None:
        try:
            await self._mark()  # what an earlier round could not
            documents = await self._next(stop)
            for portion in _portions(await self._due(documents)):
                await self._send(portion)
            await self._mark()
        except Exception as error:  # whatever it is, nothing may stop for ever or skip: read again, try again
            await self._recover(error)
        else:
            self._failures, self.error, self.failing_since = 0, None, None

    async def _recover(self, error: Exception) -> None:
        self.error = f"{type(error).__name__}: {error}"
        self.failing_since = self.failing_since or now()
        self._fall_behind()
        first, last = _BACKOFF_SECONDS
        delay = min(last, first * 2.0 ** min(self._failures, 10))
        self._failures += 1
        await sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, guards nothing

    def _take_offer(self, document: Document) -> None:
        known = document.id in self._published or document.version == 0
        if not known or len(self._offered) >= self._capacity:
            # how far an old document is published may have changed since it was loaded: only the store knows
            return self._fall_behind()
        offered, since = self._offered.get(document.id, (document, monotonic()))
        if offered is document or document.sequence > offered.sequence:
            snapshot = Document(
                document.id, document.body, document.keys, list(document.tail), document.sequence, document.published
            )
            self._offered[document.id] = snapshot, since
        return None

    def _fall_behind(self) -> None:
        """From now on read from the store, until that has no more."""
        self._offered.clear()
        self._behind_since = self._behind_since or monotonic()
        self._wake.set()

    async def _next(self, stop: asyncio.Event) -> Sequence[Document]:
        if self._behind_since is None and not self._offered and not stop.is_set():
            await self._doze()
        if self._behind_since is not None or monotonic() >= self._sweep_at:
            return await self._sweep()
        await self._gather()
        ids = [document_id for document_id, _ in zip(self._offered, range(self._batch), strict=False)]
        return [self._offered.pop(document_id)[0] for document_id in ids]

    async def _gather(self) -> None:
        """Let what is being written go out together: rounds of a few documents cost two syncs each all the same."""
        left = self._gather_until - monotonic()
        if left > 0 and len(self._offered) < self._batch:
            await sleep(left)
        self._gather_until = monotonic() + _GATHER_SECONDS

    async def _doze(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(max(0.0, self._sweep_at - monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _sweep(self) -> Sequence[Document]:
        if monotonic() >= self._forgive_at:
            self.set_aside.clear()
            self._forgive_at = monotonic() + _FORGIVE_SECONDS
        limit = self._batch + len(self.set_aside) + len(self._offered)
        since, self._behind_since = self._behind_since, None  # from here on an offer may say that there is more
        self._sweep_at = monotonic() + _SWEEP_SECONDS
        documents = await self._store.pending(self._collection, limit=limit)
        if since is None:
            return self._left_behind(documents)
        if len(documents) == limit:
            self._fall_behind()
            self._behind_since = since or self._behind_since
        return documents

    def _left_behind(self, documents: Sequence[Document]) -> Sequence[Document]:
        """Those that were pending a sweep ago as well: the others are just being published, here or by another process."""
        before, self._seen = self._seen, {document.id: document.published for document in documents}
        return [document for document in documents if before.get(document.id) == document.published]

    async def _due(self, documents: Sequence[Document]) -> list[_Due]:
        return [due for document in documents for due in await self._due_of(document)]

    async def _due_of(self, document: Document) -> list[_Due]:
        due: list[_Due] = []
        published = max(document.published, self._published.get(document.id, 0))
        if published >= self.set_aside.get(document.id, document.sequence + 1):
            self.set_aside.pop(document.id, None)  # its owner has marked the refused event published
        events = {event["sequence"]: event for event in document.tail}
        for sequence in range(published + 1, self.set_aside.get(document.id, document.sequence + 1)):
            event = events.get(sequence, {"sequence": sequence})
            try:
                due.append(_Due(document, events[sequence], self._to_records(document, events[sequence])))
            except Exception as error:
                await self._refuse(document, event, f"it cannot become a record: {error!r}")
                break
        return due

    async def _send(self, portion: Sequence[_Due]) -> None:
        while due := [item for item in portion if self._flows(item)]:
            records = [record for item in due for record in item.records]
            await failpoint("outbox.publish")
            try:
                await self._publish(records)
            except RecordRefused as error:
                await self._refuse_each(due, error)
                continue
            await failpoint("outbox.published")
            self._unmarked.update((item.document.id, item.event["sequence"]) for item in due)
            self._published.update(self._unmarked)
            return

    async def _publish(self, records: list[Record]) -> None:
        if records:
            await self._log.publish(records)

    def _flows(self, due: _Due) -> bool:
        sequence: int = due.event["sequence"]
        return sequence < self.set_aside.get(due.document.id, sequence + 1)

    async def _refuse_each(self, due: Sequence[_Due], error: RecordRefused) -> None:
        owners = [item for item in due for _ in item.records]
        if not error.refused:
            raise error
        for number, reason in sorted(error.refused.items()):
            if self._flows(owners[number]):
                await self._refuse(owners[number].document, owners[number].event, reason)

    async def _refuse(self, document: Document, event: StoredEvent, reason: str) -> None:
        if self._on_refused:
            await self._on_refused(document, event, reason)
        self.set_aside[document.id] = event["sequence"]

    async def _mark(self) -> None:
        if self._unmarked:
            await self._store.mark_published(self._collection, self._unmarked)
            await failpoint("outbox.marked")
            self._unmarked = {}
        for document_id in list(self._published)[: max(0, len(self._published) - _REMEMBERED)]:
            del self._published[document_id]


def _portions(due: Sequence[_Due]) -> Iterator[Sequence[_Due]]:
    start = size = 0
    for number, item in enumerate(due):
        size += sum(len(record.value) for record in item.records)
        if size >= _PUBLISH_BYTES:
            yield due[start : number + 1]
            start, size = number + 1, 0
    if start < len(due):
        yield due[start:]
