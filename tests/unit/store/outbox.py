"""A log that does as it is told, and documents with events, for the tests of the outbox."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson

from shared.errors import LogUnavailable, RecordRefused
from shared.ids import new_id
from shared.log.port import Partition, Position, Record
from shared.store import Collection, Document, Stored, StoredEvent
from shared.store.outbox import Relay, append, save
from shared.store.sqlite import SqliteStore

CASES = Collection("cases")


class ScriptedLog:
    """A log that keeps what it is given, and does what the test says before it does."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.away = False
        self.loses_the_answer = 0
        self.refused_types: set[str] = set()
        self.in_flight = 0
        self.batches = 0

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        assert self.in_flight == 0
        self.in_flight += 1
        await asyncio.sleep(0)
        self.in_flight -= 1
        if self.away:
            raise LogUnavailable("the log is away")
        refused = {n: "refused" for n, record in enumerate(records) if orjson.loads(record.value)["type"] in self.refused_types}
        if refused:
            raise RecordRefused(refused)
        self.records += records
        self.batches += 1
        if self.loses_the_answer:
            self.loses_the_answer -= 1
            raise LogUnavailable("the answer got lost")
        return [Position(Partition(record.topic, 0), n) for n, record in enumerate(records)]

    def sequences(self) -> dict[str, list[int]]:
        """What each document has on the log, in order."""
        found = defaultdict(list)
        for record in self.records:
            found[record.key].append(orjson.loads(record.value)["sequence"])
        return dict(found)


def to_records(document: Document, event: StoredEvent) -> list[Record]:
    return [Record("cases", document.id, orjson.dumps(event))]


def case(*types: str) -> Document:
    document = Document(new_id(), {})
    append(document, [{"type": type_} for type_ in types])
    return document


async def add(store: SqliteStore, document: Document, *types: str) -> Document:
    """Load, append, save; the document as it was passed to the store."""
    loaded = (await store.get(CASES, [document.id]))[document.id]
    append(loaded, [{"type": type_} for type_ in types])
    assert await save(store, CASES, [loaded]) == [Stored(loaded.version + 1)]
    return loaded


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def nothing_pending(store: SqliteStore) -> bool:
    return not await store.pending(CASES, limit=1)
