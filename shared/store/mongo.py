"""The store in MongoDB: `w: majority, j: true`, bulk writes that many calls share, a result for each document.

How a document lies there: `mongo_document`. `pending` may stay true too long (a replace does not know what was published
since its document was read) and is put right when read; it is never false too early. `w` tells whose write made a
version, for when a bulk changed fewer documents than it had.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import chain, islice
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.errors import BadSettings, StoreUnavailable
from shared.store import mongo_bulk
from shared.store.groupcommit import GroupCommit
from shared.store.indexing import decode_cursor, encode_cursor, index_fields, index_values, split
from shared.store.mongo_bulk import bulk, in_parts, trouble_is_unavailability
from shared.store.mongo_document import CODEC, Raw, beyond, decode, encode, where
from shared.store.port import Collection, Conflict, Document, Duplicate, Page, Stored, Value

Verb: TypeAlias = Callable[[AsyncCollection[Raw], Sequence[Any]], Awaitable[Sequence[Any]]]
Lane: TypeAlias = GroupCommit[Sequence[Any], Sequence[Any]]

_GROUP = 1_000
_CAPACITY = 10_000
_CHUNK = 500
_DEFAULTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
    "appname": "yijian",
}
_WRITE_TIMEOUT_MS = 10_000


class MongoStore:
    """The `Store` in one database of a MongoDB. What it promises: `shared.store.port.Store`."""

    def __init__(self, url: str, service: str, *, database: str | None = None) -> None:
        """Connects at first use. The database is `<prefix>_<service>`, the prefix being the URL's path, else `yijian`;
        or `database`. With a password in the URL and a path, say `authSource` too. Raises BadSettings."""
        parts = urlsplit(url)
        prefix = unquote(parts.path).strip("/") or "yijian"
        given = {name.lower() for name, _ in parse_qsl(parts.query)}
        defaults = {name: value for name, value in _DEFAULTS.items() if name.lower() not in given}
        try:
            self._client: AsyncMongoClient[Raw] = AsyncMongoClient(url, **defaults)
            self._database = self._client.get_database(
                database or f"{prefix}_{service}",
                codec_options=CODEC,
                read_concern=ReadConcern("majority"),  # nothing is published that a failover may still take back
                write_concern=WriteConcern("majority", j=True, wtimeout=_WRITE_TIMEOUT_MS),
            )
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise BadSettings(f"the store's URL: {error}") from error
        self._lanes: dict[tuple[str, Verb], Lane] = {}
        self._fields: dict[str, tuple[str, ...]] = {}

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Create the indexes that are missing."""
        for collection in collections:
            with trouble_is_unavailability():
                await self._database[collection.name].create_indexes(_indexes(collection))
            self._fields[collection.name] = index_fields(collection)

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate]:
        """Store new documents; a result for each."""
        fields = self._prepared(collection)
        return await self._write(collection, mongo_bulk.insert, [_new(document, fields) for document in documents])

    async def replace(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate | Conflict]:
        """Write each document if its version is still the stored one; a result for each."""
        fields = self._prepared(collection)
        return await self._write(collection, mongo_bulk.replace, [_changed(document, fields) for document in documents])

    async def delete(self, collection: Collection, ids: Sequence[str]) -> None:
        """Remove documents."""
        await self._write(collection, mongo_bulk.delete, ids)

    async def mark_published(self, collection: Collection, published: Mapping[str, int]) -> None:
        """Raise `published` of each id."""
        await self._write(collection, mongo_bulk.mark_published, list(published.items()))

    async def get(self, collection: Collection, ids: Sequence[str]) -> dict[str, Document]:
        """The documents with these ids, by id."""
        parts = await asyncio.gather(*(self._find(collection, {"_id": {"$in": part}}) for part in in_parts(ids)))
        return {raw["_id"]: decode(raw) for raw in chain.from_iterable(parts)}

    async def find(self, collection: Collection, keys: Sequence[str]) -> dict[str, Document]:
        """The documents that claim these keys, by key."""
        parts = list(in_parts(keys))
        claimed = await asyncio.gather(*(self._find(collection, {"keys": {"$in": part}}) for part in parts))
        asked = ((raw, set(part).intersection(raw["keys"])) for part, raws in zip(parts, claimed, strict=True) for raw in raws)
        # a document of its own for every key: they are made to be changed
        return {key: decode(deepcopy(raw) if again else raw) for raw, mine in asked for again, key in enumerate(mine)}

    async def page(
        self, collection: Collection, index: str, prefix: Mapping[str, Value], *,
        limit: int, after: str | None = None, descending: bool = False,
    ) -> Page:  # fmt: skip
        """A page in index order."""
        if limit < 1:
            raise ValueError("a page holds at least one document")
        declared = collection.index(index)
        leading, rest = split(declared, prefix)
        position = None if after is None else decode_cursor(collection, declared, leading, after)
        ranges: list[Raw] = [{}] if position is None else beyond(rest, *position, descending=descending)
        order = [(name, DESCENDING if descending else ASCENDING) for name in _names(rest)]
        documents: list[Document] = []
        while ranges and len(documents) <= limit:
            query = where(prefix) | ranges.pop(0)
            found = await self._find(collection, query, sort=order, limit=limit + 1 - len(documents))
            documents += map(decode, found)
        if len(documents) <= limit:
            return Page(documents, None)
        last = documents[limit - 1]
        return Page(documents[:limit], encode_cursor(collection, declared, leading, index_values(last.body, rest), last.id))

    async def count(self, collection: Collection, index: str, prefix: Mapping[str, Value], *, limit: int | None = None) -> int:
        """How many documents match the prefix, at most `limit`."""
        split(collection.index(index), prefix)
        if limit == 0:
            return 0
        options: dict[str, Any] = {} if limit is None else {"limit": limit}
        with trouble_is_unavailability():
            return await self._collection(collection).count_documents(where(prefix), **options)

    async def ids(self, collection: Collection, index: str, prefix: Mapping[str, Value]) -> list[str]:
        """The ids of all documents that match the prefix."""
        split(collection.index(index), prefix)
        return [raw["_id"] for raw in await self._find(collection, where(prefix), projection={"_id": True})]

    async def pending(self, collection: Collection, *, limit: int) -> list[Document]:
        """Documents with events above `published`, oldest id first."""
        while True:
            raws = await self._find(collection, {"pending": True}, sort=[("_id", ASCENDING)], limit=limit) if limit > 0 else []
            stale = [raw for raw in raws if raw["seq"] <= raw["pub"]]
            if not stale:
                return [decode(raw) for raw in raws]
            same = [{name: raw[name] for name in ("_id", "v", "seq", "pub")} for raw in stale]
            await bulk(self._collection(collection), [UpdateOne(this, {"$set": {"pending": False}}) for this in same])

    async def check(self) -> None:
        """Write one document, durably."""
        if not self._fields:
            raise StoreUnavailable("the store is not prepared yet")
        with trouble_is_unavailability():
            await self._database["store.check"].update_one({"_id": "check"}, {"$inc": {"times": 1}}, upsert=True)

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
        await self._client.close()

    def _prepared(self, collection: Collection) -> tuple[str, ...]:
        fields = self._fields.get(collection.name)
        if fields is None:
            raise StoreUnavailable(f"the collection {collection.name!r} is not prepared yet")
        return fields

    def _collection(self, collection: Collection) -> AsyncCollection[Raw]:
        self._prepared(collection)
        return self._database[collection.name]

    async def _find(self, collection: Collection, query: Raw, **options: Any) -> list[Raw]:
        with trouble_is_unavailability():
            return await self._collection(collection).find(query, **options).to_list()

    async def _write(self, collection: Collection, verb: Verb, entries: Sequence[Any]) -> list[Any]:
        lane = self._lane(collection, verb)
        chunks = [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
        answers = [await lane.put(chunk, len(chunk)) for chunk in chunks]
        results = list(chain.from_iterable(await asyncio.gather(*answers)))
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    def _lane(self, collection: Collection, verb: Verb) -> Lane:
        lane = self._lanes.get((collection.name, verb))
        if lane is None:
            commit = partial(_together, verb, self._collection(collection))
            lane = self._lanes[collection.name, verb] = GroupCommit(commit, group=_GROUP, capacity=_CAPACITY)
        return lane


def _indexes(collection: Collection) -> list[IndexModel]:
    own = [IndexModel([(name, ASCENDING) for name in _names(index.fields)]) for index in collection.indexes]
    unpublished = IndexModel([("pending", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"pending": True})
    return [IndexModel([("keys", ASCENDING)], unique=True, sparse=True), unpublished, *own]


def _names(fields: Sequence[str]) -> list[str]:
    return [*(f"body.{field}" for field in fields), "_id"]


def _new(document: Document, fields: Sequence[str]) -> Raw:
    written, _ = encode(document, fields)
    return {"_id": document.id, "v": 1, "pub": 0, "pending": document.sequence > 0, **written}


def _changed(document: Document, fields: Sequence[str]) -> tuple[Document, Raw]:
    written, unset = encode(document, fields)
    # more may be published by now, which only the server knows: `pending` puts right what is pending no more
    change: Raw = {"$set": {"v": document.version + 1, "pending": document.sequence > document.published, **written}}
    return document, change | ({"$unset": unset} if unset else {})


async def _together(verb: Verb, collection: AsyncCollection[Raw], calls: list[Sequence[Any]]) -> list[Sequence[Any]]:
    results = iter(await verb(collection, list(chain.from_iterable(calls))))
    return [list(islice(results, len(call))) for call in calls]
