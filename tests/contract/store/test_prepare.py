"""What the store port means, for every home: prepare, check and close."""

import asyncio

import pytest

from shared.errors import StoreUnavailable
from shared.store import Collection, Index, Store, Stored
from tests.contract.store.conftest import CASES
from tests.contract.store.documents import case


async def test_prepare_may_be_repeated_and_run_at_once(store: Store) -> None:
    await store.insert(CASES, [case()])
    await asyncio.gather(*(store.prepare([CASES]) for _ in range(4)))
    assert await store.count(CASES, "by_number", {}) == 1


async def test_an_index_that_comes_later_knows_the_documents_that_were_there(store: Store) -> None:
    documents = [case(n, mood="good" if n % 2 else None) for n in range(20)]
    del documents[0].body["mood"]
    await store.insert(CASES, documents)
    wider = Collection("cases", (*CASES.indexes, Index("by_mood", ("mood", "number"))))
    await store.prepare([wider])
    await store.insert(wider, [case(21, mood="good")])
    good = await store.page(wider, "by_mood", {"mood": "good"}, limit=50)
    assert [d.body["number"] for d in good.documents] == [*range(1, 20, 2), 21]
    assert await store.count(wider, "by_mood", {"mood": None}) == 10


async def test_collections_are_apart(store: Store) -> None:
    other = Collection("Other things", (Index("by_number", ("number",)),))
    await store.prepare([other])
    document = case(keys=("k",))
    await store.insert(CASES, [document])
    assert await store.insert(other, [document]) == [Stored(1)]
    await store.delete(CASES, [document.id])
    assert (await store.find(other, ["k"]))["k"].id == document.id


async def test_a_collection_that_was_not_prepared_is_a_mistake(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="prepared"):
        await store.insert(Collection("forgotten"), [case()])


async def test_a_store_that_can_be_written_passes_its_check(store: Store) -> None:
    await store.check()
    await store.check()


async def test_close_finishes_what_is_being_written(store: Store) -> None:
    document = case()
    writing = asyncio.create_task(store.insert(CASES, [document]))
    await asyncio.sleep(0)
    await store.close()
    assert await writing == [Stored(1)]
    with pytest.raises(StoreUnavailable):
        await store.insert(CASES, [case()])
