"""Bulk writes to MongoDB: each function answers its entries in order, with a result or the exception of each."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeAlias

from bson.errors import InvalidDocument
from pymongo import DeleteMany, InsertOne, UpdateMany, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, PyMongoError

from shared.errors import StoreUnavailable
from shared.store.mongo_document import Raw
from shared.store.port import Conflict, Document, Duplicate, Stored

Operation: TypeAlias = InsertOne[Raw] | UpdateOne | UpdateMany | DeleteMany

_DUPLICATE_KEY = 11000
_NEVER = frozenset({2, 15, 52, 57, 10334, 17280, 17419, 17420})
"""Error codes of a document that MongoDB will never take: too large, too deep, a bad name."""
_ASKED = 50
_TOKENS = 8
"""Writers of a document that are remembered."""


async def insert(collection: AsyncCollection[Raw], raws: Sequence[Raw]) -> list[Any]:
    """Store new documents (`mongo_document.encode` with their id); the one whose id or key is taken is a Duplicate."""
    results: list[Any] = [Stored(1)] * len(raws)
    _, refused = await bulk(collection, [InsertOne(raw) for raw in raws])
    owners = await _owners(collection, [raws[number] for number in refused])
    for number, code in refused.items():
        results[number] = _refusal(raws[number]["_id"], raws[number].get("keys", ()), code, owners, new=True)
    return results


async def replace(collection: AsyncCollection[Raw], changes: Sequence[tuple[Document, Raw]]) -> list[Any]:
    """Write these changes where the version is still the document's own; each document with what `$set` and
    `$unset` do to it."""
    token = secrets.randbits(53)  # each of the bulk's writes has its own: two may want the same document
    operations = [
        UpdateOne(
            {"_id": document.id, "v": document.version},
            {**change, "$push": {"w": {"$each": [token + number], "$slice": -_TOKENS}}},
        )
        for number, (document, change) in enumerate(changes)
    ]
    matched, refused = await bulk(collection, operations)
    results: list[Any] = [Stored(document.version + 1) for document, _ in changes]
    if matched < len(changes):
        current = await _versions(collection, [document.id for document, _ in changes])
        results = [_outcome(document, token + number, current) for number, (document, _) in enumerate(changes)]
    owners = await _owners(collection, [{"_id": changes[n][0].id, "keys": changes[n][0].keys} for n in refused])
    for number, code in refused.items():
        results[number] = _refusal(changes[number][0].id, changes[number][0].keys, code, owners, new=False)
    return results


def _outcome(document: Document, token: int, current: Mapping[str, tuple[int, list[int]]]) -> Stored | Conflict | Exception:
    version, tokens = current.get(document.id, (None, []))
    if token in tokens:
        return Stored(document.version + 1)
    if version is not None and version - document.version > len(tokens):
        return StoreUnavailable(f"{document.id} changed too often to tell whether it was written")
    return Conflict(version)


async def delete(collection: AsyncCollection[Raw], ids: Sequence[str]) -> list[None]:
    """Remove the documents with these ids."""
    await bulk(collection, [DeleteMany({"_id": {"$in": list(ids)}})])
    return [None] * len(ids)


async def mark_published(collection: AsyncCollection[Raw], published: Sequence[tuple[str, int]]) -> list[None]:
    """Raise `pub` of each id, and drop `pending` where that was the last event.

    Documents that stand at the same number share their updates: a few for a relay's batch, not two a document.
    """
    groups: dict[int, list[str]] = {}
    for document_id, sequence in published:
        groups.setdefault(sequence, []).append(document_id)
    marks = [(sequence, part) for sequence, ids in groups.items() for part in in_parts(list(dict.fromkeys(ids)))]
    last = [
        UpdateMany({"_id": {"$in": part}, "seq": {"$lte": sequence}}, {"$max": {"pub": sequence}, "$set": {"pending": False}})
        for sequence, part in marks
    ]
    matched, _ = await bulk(collection, last)
    if matched < sum(len(part) for _, part in marks):
        more = [UpdateMany({"_id": {"$in": part}, "seq": {"$gt": seen}}, {"$max": {"pub": seen}}) for seen, part in marks]
        await bulk(collection, more)
    return [None] * len(published)


def in_parts(values: Sequence[str]) -> Iterator[list[str]]:
    """Values for `$in`, fifty at a time: a server may hold each document it finds against all of them."""
    return (list(values[start : start + _ASKED]) for start in range(0, len(values), _ASKED))


async def bulk(collection: AsyncCollection[Raw], operations: Sequence[Operation]) -> tuple[int, dict[int, int]]:
    """How many documents the updates matched, and the error code of each refused operation by its place."""
    if not operations:
        return 0, {}
    try:
        with trouble_is_unavailability():
            return (await collection.bulk_write(operations, ordered=False)).matched_count, {}
    except BulkWriteError as error:
        details = error.details
        if details["writeConcernErrors"]:
            raise StoreUnavailable(str(details["writeConcernErrors"][0].get("errmsg"))) from error
        refused = {entry["index"]: entry["code"] for entry in details["writeErrors"]}
        for entry in details["writeErrors"]:
            if entry["code"] != _DUPLICATE_KEY and entry["code"] not in _NEVER:
                raise StoreUnavailable(str(entry["errmsg"])) from error
        return details["nMatched"], refused


def _refusal(document_id: str, keys: Sequence[str], code: int, owners: Mapping[str, str], *, new: bool) -> Duplicate | Exception:
    """Whose the id or the first taken key is; `owners` knows ids as `=id`, keys as `+key`."""
    if code != _DUPLICATE_KEY:
        return ValueError(f"MongoDB will never take the document {document_id}: error {code}")
    if new and "=" + document_id in owners:
        return Duplicate(document_id, None)
    for key in keys:
        owner = owners.get("+" + key, document_id)
        if owner != document_id:
            return Duplicate(owner, key)
    return StoreUnavailable(f"{document_id} collided with a document that is gone: try again")


async def _owners(collection: AsyncCollection[Raw], raws: Sequence[Raw]) -> dict[str, str]:
    ids, keys = [raw["_id"] for raw in raws], [key for raw in raws for key in raw.get("keys", ())]
    asked = [{"_id": {"$in": part}} for part in in_parts(ids)] + [{"keys": {"$in": part}} for part in in_parts(keys)]
    with trouble_is_unavailability():
        found = await asyncio.gather(*(collection.find(query, {"keys": True}).to_list() for query in asked))
    there = list(chain.from_iterable(found))
    owned = {"+" + key: raw["_id"] for raw in there for key in raw.get("keys", ())}
    return owned | {"=" + raw["_id"]: raw["_id"] for raw in there}


async def _versions(collection: AsyncCollection[Raw], ids: Sequence[str]) -> dict[str, tuple[int, list[int]]]:
    with trouble_is_unavailability():
        parts = (collection.find({"_id": {"$in": part}}, {"v": True, "w": True}).to_list() for part in in_parts(ids))
        raws = list(chain.from_iterable(await asyncio.gather(*parts)))
    return {raw["_id"]: (raw["v"], raw.get("w", [])) for raw in raws}


@contextmanager
def trouble_is_unavailability() -> Iterator[None]:
    """What the driver reports is StoreUnavailable, but for refused documents and those that are no BSON."""
    try:
        yield
    except (BulkWriteError, InvalidDocument):
        raise
    except PyMongoError as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
