"""The store in one SQLite file: a writer (a thread, or a process where documents are made) with group commit, reader threads,
JSON documents.

The event loop only encodes documents and waits. Whatever is queued while a transaction runs goes into the next one:
one fsync for all of it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shared.errors import StoreUnavailable
from shared.store.groupcommit import GroupCommit
from shared.store.indexing import decode_cursor, encode_cursor, index_values, split
from shared.store.port import Collection, Conflict, Document, Duplicate, Page, Stored, Value
from shared.store.sqlite_file import Connection, Row, Threads, create
from shared.store.sqlite_table import Table, decode
from shared.store.sqlite_writing import Apart, SqliteWorkshop, Write, commit, create_tables, probe
from shared.store.workshop import Recipe

T = TypeVar("T")

_GROUP = 2_000
"""Documents a transaction: about 50 ms."""
_CAPACITY = 10_000
"""Documents that may wait for the writer, and ids for the reader."""
_WRITER_CACHE_MB = 8
_CHUNK = 500
"""Documents of one call that go into the queue as one item: a large call is no large transaction."""


class _Lookup(NamedTuple):
    """Ids or keys that one call wants looked up in one table."""

    verb: Callable[[Table, Connection, Sequence[str]], dict[str, Row]]
    table: Table
    names: Sequence[str]


class SqliteStore:
    """The `Store` over one file, which several processes may open. What it promises: `shared.store.port.Store`."""

    def __init__(self, path: Path) -> None:
        """Opens nothing yet; `prepare` creates the file and its directories."""
        self._path = path
        self._tables: dict[str, Table] = {}
        self._writer: Threads | Apart = Threads(path, "store-writer", 1, cache_mb=_WRITER_CACHE_MB)
        self._finder = Threads(path, "store-finder", 1, cache_mb=4)
        self._reader = Threads(path, "store-reader", 2, cache_mb=4)  # a long count must not hold up a page
        self._writes: GroupCommit[Write, list[Any]] = GroupCommit(self._commit, group=_GROUP, capacity=_CAPACITY)
        self._lookups: GroupCommit[_Lookup, dict[str, Document]] = GroupCommit(self._look_up, group=_GROUP, capacity=_CAPACITY)

    def workshop(self, collection: Collection, recipe: Recipe) -> SqliteWorkshop:
        """Makes documents for this collection, in a process that from now on does all this store's writing. Called before
        anything is written, once."""
        self._writer = apart = Apart(self._path, recipe, cache_mb=_WRITER_CACHE_MB)
        return SqliteWorkshop(apart, lambda: self._table(collection))

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Create what is missing; an index that is new to the file is filled from its documents."""
        tables = [Table(collection) for collection in collections]
        await asyncio.to_thread(create, self._path)
        await self._writer.run(partial(create_tables, tables=tables))
        self._tables.update((table.collection.name, table) for table in tables)

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate]:
        """Store new documents; a result for each."""
        table = self._table(collection)
        return await self._write(Table.insert, table, [table.encode(document, 1) for document in documents])

    async def replace(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate | Conflict]:
        """Write each document if its version is still the stored one; a result for each."""
        table = self._table(collection)
        return await self._write(Table.replace, table, [table.encode(document, document.version + 1) for document in documents])

    async def delete(self, collection: Collection, ids: Sequence[str]) -> None:
        """Remove documents and their keys."""
        await self._write(Table.delete, self._table(collection), ids)

    async def mark_published(self, collection: Collection, published: Mapping[str, int]) -> None:
        """Raise `published` of each id."""
        await self._write(Table.mark_published, self._table(collection), list(published.items()))

    async def get(self, collection: Collection, ids: Sequence[str]) -> dict[str, Document]:
        """The documents with these ids, by id."""
        return await self._find(Table.rows_by_id, self._table(collection), ids)

    async def find(self, collection: Collection, keys: Sequence[str]) -> dict[str, Document]:
        """The documents that claim these keys, by key."""
        return await self._find(Table.rows_by_key, self._table(collection), keys)

    async def page(
        self, collection: Collection, index: str, prefix: Mapping[str, Value], *,
        limit: int, after: str | None = None, descending: bool = False,
    ) -> Page:  # fmt: skip
        """A page in index order."""
        if limit < 1:
            raise ValueError("a page holds at least one document")
        declared = collection.index(index)
        leading, rest = split(declared, prefix)
        place = None if after is None else decode_cursor(collection, declared, leading, after)
        table = self._table(collection)
        documents = await self._reader.run(lambda db: table.page(db, prefix, rest, place, limit=limit + 1, descending=descending))
        if len(documents) <= limit:
            return Page(documents, None)
        last = documents[limit - 1]
        return Page(documents[:limit], encode_cursor(collection, declared, leading, index_values(last.body, rest), last.id))

    async def count(self, collection: Collection, index: str, prefix: Mapping[str, Value], *, limit: int | None = None) -> int:
        """How many documents match the prefix, at most `limit`."""
        split(collection.index(index), prefix)
        table = self._table(collection)
        return await self._reader.run(lambda db: table.count(db, prefix, limit))

    async def ids(self, collection: Collection, index: str, prefix: Mapping[str, Value]) -> list[str]:
        """The ids of all documents that match the prefix."""
        split(collection.index(index), prefix)
        table = self._table(collection)
        return await self._reader.run(lambda db: table.ids(db, prefix))

    async def pending(self, collection: Collection, *, limit: int) -> list[Document]:
        """Documents with events above `published`, oldest id first."""
        table = self._table(collection)
        return await self._reader.run(lambda db: table.pending(db, limit))

    async def check(self) -> None:
        """Write one row, durably."""
        if not self._tables:
            raise StoreUnavailable("the store is not prepared yet")
        await self._writer.run(probe)

    async def close(self) -> None:
        """Finish what is queued, then close the file."""
        await self._writes.close()
        await self._lookups.close()
        for threads in (self._finder, self._reader, self._writer):
            await threads.close()

    def _table(self, collection: Collection) -> Table:
        table = self._tables.get(collection.name)
        if table is None:
            raise StoreUnavailable(f"the collection {collection.name!r} is not prepared yet")
        return table

    async def _write(self, verb: Callable[..., Sequence[Any]], table: Table, entries: Sequence[Any]) -> list[Any]:
        chunks = [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
        answers = [await self._writes.put(Write(verb, table, chunk), len(chunk)) for chunk in chunks]
        return [result for results in await asyncio.gather(*answers) for result in results]

    async def _find(self, verb: Callable[..., dict[str, Row]], table: Table, names: Sequence[str]) -> dict[str, Document]:
        return await self._lookups.run(_Lookup(verb, table, names), len(names)) if names else {}

    async def _commit(self, writes: list[Write]) -> list[list[Any]]:
        return await self._writer.run(partial(commit, writes=writes))

    async def _look_up(self, lookups: list[_Lookup]) -> list[dict[str, Document]]:
        return await self._finder.run(lambda db: _look_up(db, lookups))


# ── in threads ──


def _look_up(db: Connection, lookups: list[_Lookup]) -> list[dict[str, Document]]:
    wanted: dict[tuple[Any, Table], dict[str, None]] = {}
    for lookup in lookups:
        wanted.setdefault((lookup.verb, lookup.table), {}).update(dict.fromkeys(lookup.names))
    found = {(verb, table): verb(table, db, list(names)) for (verb, table), names in wanted.items()}
    # every caller gets documents of his own: they are made to be changed
    rows = [(found[lookup.verb, lookup.table], lookup.names) for lookup in lookups]
    return [{name: decode(there[name]) for name in names if name in there} for there, names in rows]
