"""What the store port means, for every home: documents change."""

import asyncio

from shared.store import Conflict, Document, Duplicate, Store, Stored
from tests.contract.store.conftest import CASES
from tests.contract.store.documents import case, load


async def test_a_replace_writes_body_keys_tail_and_sequence(store: Store) -> None:
    document = case(keys=("a", "b"))
    await store.insert(CASES, [document])
    loaded = await load(store, document)
    loaded.body = {"state": "closed", "new": 1}
    loaded.keys = ("b", "c")
    loaded.tail, loaded.sequence = [{"sequence": 1}], 1
    assert await store.replace(CASES, [loaded]) == [Stored(2)]
    assert loaded.version == 1  # the passed document is not changed
    stored = await load(store, document)
    assert stored == Document(document.id, {"state": "closed", "new": 1}, ("b", "c"), [{"sequence": 1}], 1, 0, 2)
    found = await store.find(CASES, ["a", "b", "c"])
    assert {key: d.id for key, d in found.items()} == {"b": document.id, "c": document.id}


async def test_another_version_is_a_conflict(store: Store) -> None:
    document = case()
    await store.insert(CASES, [document])
    first, second = await load(store, document), await load(store, document)
    second.body["text"] = "lost"
    assert await store.replace(CASES, [first]) == [Stored(2)]
    assert await store.replace(CASES, [second]) == [Conflict(2)]
    assert "text" not in (await load(store, document)).body


async def test_an_absent_document_is_a_conflict_with_nothing(store: Store) -> None:
    assert await store.replace(CASES, [Document("nobody", {}, version=3)]) == [Conflict(None)]
    assert await store.get(CASES, ["nobody"]) == {}


async def test_a_replace_that_claims_a_taken_key_writes_nothing(store: Store) -> None:
    owner, other = case(keys=("k",)), case(keys=("own",))
    await store.insert(CASES, [owner, other])
    loaded = await load(store, other)
    loaded.keys, loaded.body["text"] = ("own", "k"), "x"
    assert await store.replace(CASES, [loaded]) == [Duplicate(owner.id, "k")]
    stored = await load(store, other)
    assert (stored.version, stored.keys, "text" in stored.body) == (1, ("own",), False)


async def test_a_key_that_was_given_up_can_be_claimed(store: Store) -> None:
    owner, other = case(keys=("k",)), case()
    await store.insert(CASES, [owner, other])
    loaded = await load(store, owner)
    loaded.keys = ()
    assert await store.replace(CASES, [loaded]) == [Stored(2)]
    assert (await load(store, owner)).keys == ()
    claiming = await load(store, other)
    claiming.keys = ("k",)
    assert await store.replace(CASES, [claiming]) == [Stored(2)]
    assert (await store.find(CASES, ["k"]))["k"].id == other.id


async def test_a_replaced_batch_is_answered_per_item(store: Store) -> None:
    documents = [case(keys=(f"k{n}",)) for n in range(5)]
    await store.insert(CASES, documents)
    loaded = [await load(store, document) for document in documents]
    loaded[1].version = 7
    loaded[2].keys = ("k0",)
    loaded[3].id = "nobody"
    results = await store.replace(CASES, [*loaded, loaded[0]])
    assert results == [Stored(2), Conflict(1), Duplicate(documents[0].id, "k0"), Conflict(None), Stored(2), Conflict(2)]


async def test_of_many_who_replace_one_version_one_wins(store: Store) -> None:
    document = case(0)
    await store.insert(CASES, [document])

    async def add_one() -> None:
        while True:
            loaded = await load(store, document)
            loaded.body["number"] += 1
            if await store.replace(CASES, [loaded]) == [Stored(loaded.version + 1)]:
                return

    await asyncio.gather(*(add_one() for _ in range(12)))
    stored = await load(store, document)
    assert (stored.body["number"], stored.version) == (12, 13)


async def test_a_replace_moves_the_document_in_its_indexes(store: Store) -> None:
    document = case()
    await store.insert(CASES, [document])
    loaded = await load(store, document)
    loaded.body["state"] = "closed"
    await store.replace(CASES, [loaded])
    assert await store.count(CASES, "by_state", {"state": "open"}) == 0
    assert await store.ids(CASES, "by_state", {"state": "closed"}) == [document.id]
