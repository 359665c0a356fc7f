"""What the store port means, for every home: documents come in."""

import asyncio

import pytest

from shared.errors import StoreUnavailable
from shared.store import Document, Duplicate, Store, Stored
from tests.contract.store.conftest import CASES
from tests.contract.store.documents import case, load


async def test_a_stored_document_comes_back_as_it_was(store: Store) -> None:
    document = case(
        keys=("k/1", "k/2"), events=2, text="路灯坏了 💡", extra={"a": [1, 2.5, None, True, {"深": "x"}], "big": 2**53}
    )
    assert await store.insert(CASES, [document]) == [Stored(1)]
    stored = await load(store, document)
    assert stored == Document(document.id, document.body, document.keys, document.tail, 2, 0, 1)


async def test_any_json_can_be_stored(store: Store) -> None:
    extra = {
        "a.b": 1,
        "$set": {"$x": "$y"},
        "nul\0": "\0",
        "": "",
        "big": 2**64 - 1,
        "min": -(2**63),
        "float": 1e300,
        "list": [[], {}],
    }
    document = case(extra=extra, keys=("a\0b", "a"))
    document.tail, document.sequence = [{"sequence": 1, "$data": extra}], 1
    assert await store.insert(CASES, [document]) == [Stored(1)]
    stored = await load(store, document)
    assert (stored.body, stored.tail) == (document.body, document.tail)
    assert await store.replace(CASES, [stored]) == [Stored(2)]
    plain = await load(store, document)
    plain.body["extra"] = {}
    plain.tail = []
    assert await store.replace(CASES, [plain]) == [Stored(3)]
    assert (await load(store, document)).body["extra"] == {}
    assert set(await store.find(CASES, ["a", "a\0b", "a\0"])) == {"a", "a\0b"}


async def test_the_same_id_again_is_a_duplicate_of_itself(store: Store) -> None:
    document = case()
    await store.insert(CASES, [document])
    again = case(name=document.id, text="other")
    assert await store.insert(CASES, [again]) == [Duplicate(document.id, None)]
    assert "text" not in (await load(store, document)).body


async def test_a_taken_key_names_its_owner(store: Store) -> None:
    first, second = case(keys=("a", "b")), case(keys=("c", "b"))
    await store.insert(CASES, [first])
    assert await store.insert(CASES, [second]) == [Duplicate(first.id, "b")]
    assert await store.get(CASES, [second.id]) == {}
    assert await store.find(CASES, ["c"]) == {}


async def test_the_id_is_named_before_a_key(store: Store) -> None:
    document = case(keys=("a",))
    await store.insert(CASES, [document])
    assert await store.insert(CASES, [document]) == [Duplicate(document.id, None)]


async def test_a_refusal_does_not_hinder_its_neighbours(store: Store) -> None:
    old = case(keys=("taken",))
    await store.insert(CASES, [old])
    batch = [case(keys=("1",)), case(keys=("2", "taken")), case(name=old.id), case(keys=("3",)), case()]
    results = await store.insert(CASES, batch)
    assert results == [Stored(1), Duplicate(old.id, "taken"), Duplicate(old.id, None), Stored(1), Stored(1)]
    assert set(await store.get(CASES, [d.id for d in batch])) == {batch[0].id, old.id, batch[3].id, batch[4].id}


async def test_of_two_that_collide_in_a_batch_the_first_is_stored(store: Store) -> None:
    one, two, three = case(keys=("k",)), case(keys=("k",)), case(keys=("k2",))
    three_again = case(name=three.id)
    results = await store.insert(CASES, [one, two, three, three_again])
    assert results == [Stored(1), Duplicate(one.id, "k"), Stored(1), Duplicate(three.id, None)]


async def test_a_key_twice_in_one_document_is_one_claim(store: Store) -> None:
    document = case(keys=("k", "k"))
    assert await store.insert(CASES, [document]) == [Stored(1)]
    assert (await load(store, document)).keys == ("k",)


async def test_documents_without_keys_do_not_collide(store: Store) -> None:
    assert await store.insert(CASES, [case(), case(), case()]) == [Stored(1)] * 3


async def test_an_empty_batch_is_no_work(store: Store) -> None:
    assert await store.insert(CASES, []) == []
    assert await store.replace(CASES, []) == []
    assert await store.get(CASES, []) == {}
    assert await store.find(CASES, []) == {}
    await store.delete(CASES, [])
    await store.mark_published(CASES, {})


async def test_a_large_batch_is_answered_in_order(store: Store) -> None:
    documents = [case(number, keys=(f"k/{number // 2}",)) for number in range(1300)]
    results = await store.insert(CASES, documents)
    expected = [Duplicate(documents[n - 1].id, f"k/{n // 2}") if n % 2 else Stored(1) for n in range(1300)]
    assert results == expected
    assert len(await store.get(CASES, [d.id for d in documents])) == 650
    assert len(await store.find(CASES, [f"k/{n}" for n in range(650)])) == 650


async def test_of_many_who_claim_a_key_at_once_one_has_it(store: Store) -> None:
    documents = [case(keys=("k",)) for _ in range(40)]
    results = [result for results in await asyncio.gather(*(store.insert(CASES, [d]) for d in documents)) for result in results]
    winner = next(d.id for d, result in zip(documents, results, strict=True) if result == Stored(1))
    assert results.count(Stored(1)) == 1
    assert results.count(Duplicate(winner, "k")) == 39


async def test_what_cannot_stand_in_an_index_is_refused_and_neighbours_are_not(store: Store) -> None:
    good = asyncio.create_task(store.insert(CASES, [case()]))
    for wrong in (True, 1.5, ["a"], {"a": 1}, 2**63):
        with pytest.raises(TypeError):
            await store.insert(CASES, [case(wrong)])
    with pytest.raises(TypeError):
        await store.insert(CASES, [case(text=object())])
    assert await good == [Stored(1)]


async def test_a_mistake_in_one_call_does_not_fail_its_neighbours(store: Store) -> None:
    wrong = case(name="\ud800")
    calls = [store.insert(CASES, [document]) for document in (case(), wrong, case())]
    first, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, third) == ([Stored(1)], [Stored(1)])
    assert isinstance(second, Exception)
    assert not isinstance(second, StoreUnavailable)


async def test_a_cancelled_insert_is_stored_all_the_same_or_not_at_all(store: Store) -> None:
    document, neighbour = case(keys=("k",)), case()
    task = asyncio.create_task(store.insert(CASES, [document]))
    other = asyncio.create_task(store.insert(CASES, [neighbour]))
    await asyncio.sleep(0)
    task.cancel()
    assert await other == [Stored(1)]
    there = document.id in await store.get(CASES, [document.id])
    assert there == ("k" in await store.find(CASES, ["k"]))
