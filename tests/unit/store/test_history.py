"""A document's events: numbered when appended, kept when the tail is cut."""

from shared.store import Conflict, Stored
from shared.store.outbox import EVENTS, KEPT, append, history, save
from shared.store.sqlite import SqliteStore
from tests.unit.store.outbox import CASES, add, case


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
