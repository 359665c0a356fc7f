"""What the store port means, for every home."""

import asyncio
import random
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.ids import new_id
from shared.store import BadCursor, Collection, Conflict, Document, Duplicate, Index, Store, Stored
from tests.contract.store.conftest import CASES


def case(number: Any = 1, *, keys: tuple[str, ...] = (), events: int = 0, name: str = "", **body: Any) -> Document:
    tail = [{"sequence": sequence, "type": "t"} for sequence in range(1, events + 1)]
    return Document(name or new_id(), {"state": "open", "region": "3301", "number": number, **body}, keys, tail, events)


async def load(store: Store, document: Document) -> Document:
    return (await store.get(CASES, [document.id]))[document.id]


async def walk(
    store: Store, prefix: dict[str, Any], *, limit: int, descending: bool = False, index: str = "by_state"
) -> list[Document]:
    found, cursor = [], None
    while True:
        page = await store.page(CASES, index, prefix, limit=limit, after=cursor, descending=descending)
        assert len(page.documents) <= limit
        found += page.documents
        if (cursor := page.cursor) is None:
            return found


# ── insert ──


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


# ── replace ──


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


# ── get, find, delete ──


async def test_only_what_exists_is_found(store: Store) -> None:
    document = case(keys=("k",))
    await store.insert(CASES, [document])
    assert list(await store.get(CASES, [document.id, "nobody", document.id])) == [document.id]
    assert list(await store.find(CASES, ["k", "none"])) == ["k"]


async def test_everyone_gets_a_document_of_his_own(store: Store) -> None:
    document = case(keys=("a", "b"))
    await store.insert(CASES, [document])
    one, two = await asyncio.gather(load(store, document), load(store, document))
    one.body["text"] = "mine"
    assert "text" not in two.body
    found = await store.find(CASES, ["a", "b"])
    found["a"].body["text"] = "mine"
    assert "text" not in found["b"].body


async def test_a_deleted_document_is_gone_with_its_keys(store: Store) -> None:
    document, neighbour = case(keys=("k",), events=1), case(events=1)
    await store.insert(CASES, [document, neighbour])
    await store.delete(CASES, [document.id, "nobody"])
    assert list(await store.get(CASES, [document.id, neighbour.id])) == [neighbour.id]
    assert [d.id for d in await store.pending(CASES, limit=10)] == [neighbour.id]
    assert await store.insert(CASES, [case(keys=("k",))]) == [Stored(1)]


# ── page, count, ids ──

VALUES: list[Any] = [None, -(2**63), -1, 0, 7, 2**63 - 1, "", "A", "a", "路灯", "\U0001f4a1"]
"""In the order of an index: None, then numbers, then strings by their UTF-8 bytes."""


async def test_pages_follow_the_index_whatever_its_values(store: Store) -> None:
    documents = [case(value) for value in VALUES for _ in range(3)]
    for missing in documents[:2]:
        del missing.body["number"]
    random.shuffle(documents)
    await store.insert(CASES, documents)
    expected = [d.id for d in sorted(documents, key=lambda d: (VALUES.index(d.body.get("number")), d.id))]
    for limit in (1, 2, 5, 100):
        assert [d.id for d in await walk(store, {"state": "open", "region": "3301"}, limit=limit)] == expected
        backwards = await walk(store, {"state": "open", "region": "3301"}, limit=limit, descending=True)
        assert [d.id for d in backwards] == expected[::-1]


async def test_pages_sort_by_every_field_the_prefix_leaves(store: Store) -> None:
    choices = [(state, region, number) for state in ("a", None, "b") for region in ("x", None) for number in (1, None, 2)]
    documents = [Document(new_id(), {"state": s, "region": r, "number": n}) for s, r, n in choices * 2]
    await store.insert(CASES, documents)

    def place(document: Document) -> list[Any]:
        return [(value is not None, value or 0) for value in document.body.values()] + [document.id]

    expected = [
        d.id
        for d in sorted(
            documents, key=lambda d: [str(part) if isinstance(part, str) else (part[0], str(part[1])) for part in place(d)]
        )
    ]
    assert [d.id for d in await walk(store, {}, limit=4)] == expected
    assert [d.id for d in await walk(store, {}, limit=4, descending=True)] == expected[::-1]
    none = [d.id for d in await walk(store, {"state": None}, limit=4)]
    assert none == [i for i in expected if i in {d.id for d in documents if d.body["state"] is None}]


async def test_the_last_page_has_no_cursor(store: Store) -> None:
    await store.insert(CASES, [case() for _ in range(4)])
    page = await store.page(CASES, "by_number", {}, limit=4)
    assert (len(page.documents), page.cursor) == (4, None)
    assert (await store.page(CASES, "by_number", {"number": 99}, limit=4)).documents == []


async def test_a_cursor_goes_on_after_what_came_meanwhile(store: Store) -> None:
    documents = [case(number) for number in (10, 20, 30, 40)]
    await store.insert(CASES, documents)
    first = await store.page(CASES, "by_number", {}, limit=2)
    await store.insert(CASES, [case(5), case(25)])
    await store.delete(CASES, [documents[1].id])  # the one that the cursor stands on
    rest = await store.page(CASES, "by_number", {}, limit=9, after=first.cursor)
    assert [d.body["number"] for d in rest.documents] == [25, 30, 40]


async def test_a_foreign_cursor_is_refused(store: Store) -> None:
    await store.insert(CASES, [case(n) for n in range(3)])
    cursor = (await store.page(CASES, "by_state", {"state": "open"}, limit=1)).cursor
    assert cursor
    for index, prefix in (("by_number", {}), ("by_state", {"state": "closed"}), ("by_state", {})):
        with pytest.raises(BadCursor):
            await store.page(CASES, index, prefix, limit=1, after=cursor)
    for wrong in ("", "x", "路灯", cursor[:-2], cursor + "AAAA", "bnVsbA", "W10", "\0", "=" * 5):
        with pytest.raises(BadCursor):
            await store.page(CASES, "by_state", {"state": "open"}, limit=1, after=wrong)


async def test_only_declared_indexes_and_their_beginnings_can_be_asked(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.page(CASES, "by_mood", {}, limit=1)
    for call in (
        lambda: store.page(CASES, "by_state", {"region": "3301"}, limit=1),
        lambda: store.count(CASES, "by_state", {"number": 1}),
        lambda: store.ids(CASES, "by_state", {"state": "open", "mood": 1}),
        lambda: store.page(CASES, "by_state", {}, limit=0),
    ):
        with pytest.raises(ValueError, match=r"prefix|page"):
            await call()


async def test_a_count_is_exact_or_stops_at_its_limit(store: Store) -> None:
    await store.insert(CASES, [case(n % 3, region="3302" if n % 2 else None) for n in range(30)])
    assert await store.count(CASES, "by_state", {}) == 30
    assert await store.count(CASES, "by_state", {"state": "open", "region": "3302"}) == 15
    assert await store.count(CASES, "by_state", {"state": "open", "region": None, "number": 0}) == 5
    assert await store.count(CASES, "by_state", {"state": "open"}, limit=7) == 7
    assert await store.count(CASES, "by_state", {"state": "open"}, limit=70) == 30
    assert await store.count(CASES, "by_state", {"state": "open"}, limit=0) == 0
    assert await store.count(CASES, "by_state", {"state": "none"}) == 0


async def test_ids_names_all_that_match(store: Store) -> None:
    documents = [case(n % 2) for n in range(20)]
    await store.insert(CASES, documents)
    assert sorted(await store.ids(CASES, "by_number", {"number": 1})) == sorted(d.id for d in documents[1::2])


# ── the outbox ──


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
    loaded.version, loaded.published, loaded.sequence = 2, 99, 3
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


# ── prepare, check, close ──


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
