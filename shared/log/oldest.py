"""Since when the oldest dead letter and the oldest parked record have been waiting, for the account."""

from collections.abc import Iterable

from shared.log.deadletters import LETTERS, PARKED
from shared.store.port import Collection, Document, Store, Value

_PAGE, _MOST = 500, 5_000
"""Letters lie by reason and records by key, so all are looked at; a loop stops itself long before there are so many."""


async def oldest_letter(store: Store) -> str | None:
    """When the oldest open dead letter was written; None when there is none."""
    found = [await _all(store, LETTERS, "by_status", {"status": status}) for status in ("dead", "replay")]
    return min((letter.body["at"] for letters in found for letter in letters), default=None)


async def oldest_parked(store: Store, groups: Iterable[str]) -> str | None:
    """The time of the oldest event that is parked; None when there is none, or none that says its time."""
    found = [await _all(store, PARKED, "by_key", {"group": group}) for group in groups]
    times = (record.body["headers"].get("ce_time") for records in found for record in records)
    return min((time for time in times if time), default=None)


async def _all(store: Store, collection: Collection, index: str, prefix: dict[str, Value]) -> list[Document]:
    documents: list[Document] = []
    cursor = None
    while len(documents) < _MOST:
        page = await store.page(collection, index, prefix, limit=_PAGE, after=cursor)
        documents += page.documents
        if (cursor := page.cursor) is None:
            break
    return documents
