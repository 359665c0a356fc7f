"""The outbox: what a refusal or an absent log does to events, told against a real file."""

import asyncio
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.log.port import Record
from shared.store import Collection, Document, StoredEvent
from shared.store.outbox import Relay, append, save
from shared.store.sqlite import SqliteStore
from shared.testing.wait import wait_until
from tests.unit.store.outbox import CASES, ScriptedLog, add, case, nothing_pending, running, to_records


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
