"""What the store's suite stores, and how it reads it back."""

from typing import Any

from shared.ids import new_id
from shared.store import Document, Store
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
