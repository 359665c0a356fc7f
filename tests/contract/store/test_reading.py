"""What the store port means, for every home: documents are found, paged, counted and deleted."""

import asyncio
import random
from typing import Any

import pytest

from shared.ids import new_id
from shared.store import BadCursor, Document, Store, Stored
from tests.contract.store.conftest import CASES
from tests.contract.store.documents import case, load, walk


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
