"""What the store port means, for every home: which events are still to be published."""

import asyncio
import random

from shared.store import Store, Stored
from tests.contract.store.conftest import CASES
from tests.contract.store.documents import case, load


async def test_documents_with_unpublished_events_are_pending_oldest_id_first(store: Store) -> None:
    documents = [case(events=n % 3) for n in range(9)]
    await store.insert(CASES, random.sample(documents, 9))
    waiting = sorted(d.id for d in documents if d.sequence)
    assert [d.id for d in await store.pending(CASES, limit=100)] == waiting
    assert [d.id for d in await store.pending(CASES, limit=2)] == waiting[:2]
    assert (await store.pending(CASES, limit=1))[0].tail[0]["sequence"] == 1


async def test_published_only_rises_and_leaves_the_version(store: Store) -> None:
    one, two = case(events=3), case(events=3)
    await store.insert(CASES, [one, two])
    await store.mark_published(CASES, {one.id: 2, two.id: 3, "nobody": 1})
    assert [d.id for d in await store.pending(CASES, limit=9)] == [one.id]
    await store.mark_published(CASES, {one.id: 1})
    stored = await load(store, one)
    assert (stored.published, stored.version) == (2, 1)
    await store.mark_published(CASES, {one.id: 3})
    assert await store.pending(CASES, limit=9) == []


async def test_an_insert_publishes_nothing(store: Store) -> None:
    document = case(events=2)
    document.published = 2
    await store.insert(CASES, [document])
    assert (await load(store, document)).published == 0
    assert len(await store.pending(CASES, limit=9)) == 1


async def test_a_replace_cannot_change_what_is_published(store: Store) -> None:
    document = case(events=2)
    await store.insert(CASES, [document])
    loaded = await load(store, document)
    await store.mark_published(CASES, {document.id: 2})
    loaded.published = 0
    assert await store.replace(CASES, [loaded]) == [Stored(2)]
    assert (await load(store, document)).published == 2
    assert await store.pending(CASES, limit=9) == []
    loaded = await load(store, document)
    loaded.sequence = 3
    loaded.tail.append({"sequence": 3})
    assert await store.replace(CASES, [loaded]) == [Stored(3)]
    stored = await load(store, document)
    assert (stored.published, stored.sequence) == (2, 3)
    assert [d.id for d in await store.pending(CASES, limit=9)] == [document.id]


async def test_marks_and_replaces_at_once_lose_neither(store: Store) -> None:
    document = case(events=1)
    await store.insert(CASES, [document])
    for sequence in range(2, 12):
        loaded = await load(store, document)
        loaded.sequence = sequence
        loaded.tail.append({"sequence": sequence})
        (result,), _ = await asyncio.gather(
            store.replace(CASES, [loaded]), store.mark_published(CASES, {document.id: sequence - 1})
        )
        assert result == Stored(sequence)
        stored = await load(store, document)
        assert (stored.sequence, stored.published) == (sequence, sequence - 1)
        assert [d.id for d in await store.pending(CASES, limit=9)] == [document.id]
