"""The outbox: what a crash, a refusal or an absent log does to events, told against real files."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.errors import LogUnavailable, RecordRefused, StoreUnavailable
from shared.ids import new_id
from shared.log.port import Partition, Position, Record, TopicSpec
from shared.log.sqlite import SqliteLog
from shared.store import Collection, Conflict, Document, Stored, StoredEvent
from shared.store.outbox import EVENTS, KEPT, Relay, append, history, save
from shared.store.sqlite import SqliteStore
from shared.testing.wait import wait_until

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


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db")
    await opened.prepare([CASES, EVENTS])
    yield opened
    await opened.close()


@pytest.fixture
def log() -> ScriptedLog:
    return ScriptedLog()


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


# ── append, save, history ──


def test_events_are_numbered_after_the_last() -> None:
    document, event = case("a", "b"), {"type": "c"}
    append(document, [event])
    assert ([e["sequence"] for e in document.tail], document.sequence, event) == ([1, 2, 3], 3, {"type": "c"})


async def test_a_tail_keeps_what_is_unpublished_and_the_last_fifty(store: SqliteStore) -> None:
    document = case(*"x" * 80)
    await store.insert(CASES, [document])
    await store.mark_published(CASES, {document.id: 70})
    loaded = await add(store, document, "y")
    assert [event["sequence"] for event in loaded.tail] == list(range(70 - KEPT + 1, 82))
    assert await store.ids(EVENTS, "by_document", {"document": document.id}) == [f"{document.id}/{n:08}" for n in range(1, 21)]
    assert [event["sequence"] for event in await history(store, loaded)] == list(range(1, 82))


async def test_a_refused_save_changes_no_history(store: SqliteStore) -> None:
    document = case(*"x" * 60)
    await store.insert(CASES, [document])
    await store.mark_published(CASES, {document.id: 60})
    mine, theirs = [(await store.get(CASES, [document.id]))[document.id] for _ in range(2)]
    assert await save(store, CASES, [theirs]) == [Stored(2)]
    append(mine, [{"type": "lost"}])
    assert await save(store, CASES, [mine]) == [Conflict(2)]
    stored = await add(store, document, "kept")
    assert [event["type"] for event in await history(store, stored)] == [*"x" * 60, "kept"]


# ── the relay ──


async def test_offered_documents_are_published_in_few_batches_and_marked(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    async with running(relay):
        await wait_until(lambda: relay.oldest_pending() == 0.0)
        documents = [case("a", "b") for _ in range(300)]
        await store.insert(CASES, documents)
        relay.offer(documents)
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1, 2] for document in documents}
    assert log.batches == 1


async def test_what_was_pending_before_the_start_is_published(store: SqliteStore, log: ScriptedLog) -> None:
    documents = [case("a") for _ in range(25)]
    await store.insert(CASES, documents)
    async with running(Relay(store, log, CASES, to_records, batch=10)):  # type: ignore[arg-type]
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1] for document in documents}


async def test_what_nobody_offers_is_found_by_the_sweep(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    async with running(relay):
        await wait_until(lambda: relay.oldest_pending() == 0.0)
        await store.insert(CASES, [case("a")])
        await wait_until(lambda: nothing_pending(store))


async def test_stop_publishes_what_was_offered(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records, batch=3)  # type: ignore[arg-type]
    async with running(relay):
        await wait_until(lambda: relay.oldest_pending() == 0.0)
        documents = [case("a") for _ in range(40)]  # more than it remembers
        await store.insert(CASES, documents)
        relay.offer(documents)
    assert log.sequences() == {document.id: [1] for document in documents}
    assert await nothing_pending(store)


async def test_a_stale_offer_publishes_nothing_again(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    document = case("a")
    await store.insert(CASES, [document])
    before_publishing = (await store.get(CASES, [document.id]))[document.id]
    async with running(relay):
        await wait_until(lambda: nothing_pending(store))
        relay.offer([document, before_publishing])
        append(before_publishing, [{"type": "b"}])
        await save(store, CASES, [before_publishing])
        relay.offer([before_publishing, document])  # says that nothing is published yet
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1, 2]}


async def test_an_offer_is_as_it_was_when_offered(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    async with running(relay):
        await wait_until(lambda: relay.oldest_pending() == 0.0)
        document = case("a")
        await store.insert(CASES, [document])
        relay.offer([document])
        append(document, [{"type": "never stored"}])
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1]}


async def test_many_writers_and_a_flickering_log_keep_every_document_in_order(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records, batch=5)  # type: ignore[arg-type]
    documents = [case("a") for _ in range(30)]

    async def live(document: Document) -> None:
        await store.insert(CASES, [document])
        relay.offer([document])
        for _ in range(9):
            relay.offer([await add(store, document, "b")])

    async with running(relay):
        log.loses_the_answer = 2
        await asyncio.gather(*map(live, documents))
        await wait_until(lambda: nothing_pending(store), timeout=20)
    for sequences in log.sequences().values():
        firsts = list(dict.fromkeys(sequences))
        assert firsts == list(range(1, 11))


async def test_while_the_log_is_away_nothing_is_lost_and_health_says_why(store: SqliteStore, log: ScriptedLog) -> None:
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    log.away = True
    async with running(relay):
        documents = [case("a") for _ in range(3)]
        await store.insert(CASES, documents)
        relay.offer(documents)
        await wait_until(lambda: relay.error)
        assert relay.error == "LogUnavailable: the log is away"
        assert relay.failing_since
        assert relay.oldest_pending() > 0
        for document in documents:
            relay.offer([await add(store, document, "b")])
        log.away = False
        await wait_until(lambda: nothing_pending(store))
        await wait_until(lambda: relay.error is None)
    assert log.sequences() == {document.id: [1, 2] for document in documents}


async def test_after_a_lost_answer_events_are_repeated_in_order(store: SqliteStore, log: ScriptedLog) -> None:
    log.loses_the_answer = 1
    document = case("a", "b")
    await store.insert(CASES, [document])
    async with running(Relay(store, log, CASES, to_records)):  # type: ignore[arg-type]
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1, 2, 1, 2]}


async def test_a_store_that_cannot_mark_for_a_while_causes_no_repeat(
    store: SqliteStore, log: ScriptedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, failures = store.mark_published, [StoreUnavailable("full")] * 2

    async def failing(collection: Collection, published: Any) -> None:
        if failures:
            raise failures.pop()
        await mark(collection, published)

    monkeypatch.setattr(store, "mark_published", failing)
    document = case("a")
    await store.insert(CASES, [document])
    async with running(Relay(store, log, CASES, to_records)):  # type: ignore[arg-type]
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [1]}


async def test_a_refused_event_stops_only_its_own_document(store: SqliteStore, log: ScriptedLog) -> None:
    refused: list[tuple[str, int, str]] = []

    async def on_refused(document: Document, event: StoredEvent, reason: str) -> None:
        refused.append((document.id, event["sequence"], reason))

    log.refused_types = {"bad"}
    bad, good = case("a", "bad", "c"), case("a", "b")
    relay = Relay(store, log, CASES, to_records, batch=2, on_refused=on_refused)  # type: ignore[arg-type]
    async with running(relay):
        await store.insert(CASES, [bad, good])
        relay.offer([bad, good])
        await wait_until(lambda: refused)
        others = [case("a") for _ in range(9)]
        await store.insert(CASES, others)
        relay.offer([*others, await add(store, bad, "d")])
        await wait_until(lambda: len(log.sequences()) == 11)
        assert log.sequences()[bad.id] == [1]
        assert log.sequences()[good.id] == [1, 2]
        assert relay.set_aside == {bad.id: 2}
        log.refused_types = set()
        relay.release([bad.id])
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences()[bad.id] == [1, 2, 3, 4]
    assert refused == [(bad.id, 2, "refused")]


async def test_an_event_that_is_skipped_by_its_owner_frees_the_document(store: SqliteStore, log: ScriptedLog) -> None:
    log.refused_types = {"bad"}
    document = case("bad", "b")
    await store.insert(CASES, [document])
    relay = Relay(store, log, CASES, to_records)  # type: ignore[arg-type]
    async with running(relay):
        await wait_until(lambda: relay.set_aside)
        await store.mark_published(CASES, {document.id: 1})
        await wait_until(lambda: nothing_pending(store))
    assert log.sequences() == {document.id: [2]}
    assert relay.set_aside == {}


async def test_an_event_that_becomes_no_record_is_told_and_others_flow(store: SqliteStore, log: ScriptedLog) -> None:
    told: list[str] = []

    async def on_refused(document: Document, event: StoredEvent, reason: str) -> None:
        told.append(reason)

    def picky(document: Document, event: StoredEvent) -> list[Record]:
        if event["type"] == "unknown":
            raise ValueError("no such type")
        return [] if event["type"] == "silent" else to_records(document, event)

    unknown, silent = case("unknown"), case("silent", "b")
    await store.insert(CASES, [unknown, silent])
    async with running(Relay(store, log, CASES, picky, on_refused=on_refused)):  # type: ignore[arg-type]
        await wait_until(lambda: silent.id in log.sequences())
    assert log.sequences() == {silent.id: [2]}
    assert told == ["it cannot become a record: ValueError('no such type')"]


# ── with the real log of the one-machine home ──


async def test_a_crash_between_publish_and_mark_repeats_in_order(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SqliteLog(tmp_path / "log.db")
    await log.apply_topics([TopicSpec("cases", 2)])
    document, other = case("a", "b"), case("a")
    await store.insert(CASES, [document, other])

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(store, "mark_published", never)
    crashing = asyncio.create_task(Relay(store, log, CASES, to_records).run(asyncio.Event()))
    await wait_until(lambda: published(log, 3), what="the events on the log")
    crashing.cancel()
    await asyncio.wait([crashing])
    monkeypatch.undo()
    await add(store, document, "c")
    async with running(Relay(store, log, CASES, to_records)):
        await wait_until(lambda: nothing_pending(store))
    assert await read(log) == {document.id: [1, 2, 1, 2, 3], other.id: [1, 1]}
    await log.close()


async def published(log: SqliteLog, count: int) -> bool:
    lag = await log.lag("nobody", ["cases"])
    return sum(partition.end for partition in lag.values()) >= count


async def read(log: SqliteLog) -> dict[str, list[int]]:
    found = defaultdict(list)
    async with log.subscribe("reader", ["cases"]) as consumer:
        while records := await consumer.poll(100, 0.5):
            for record in records:
                found[str(record.key)].append(orjson.loads(record.value)["sequence"])
    return dict(found)
