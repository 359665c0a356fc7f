"""One collection as SQLite tables: the documents, and beside them their keys.

    "<name>"        id, version, sequence, published, one column per indexed field, keys, tail, body (JSON bytes)
    "<name>.keys"   key → id

Everything here runs in a thread, and what writes inside a transaction. It checks before it writes: under BEGIN IMMEDIATE
nobody else can write in between, so a refusal costs its neighbours nothing.
"""
# ruff: noqa: S608 - names of tables and columns come from the code's own declarations, values are always bound

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson

from shared.store.indexing import index_fields, index_values
from shared.store.port import Collection, Conflict, Document, Duplicate, Stored, Value
from shared.store.sqlite_file import Connection, Row, bulk, quoted

_NONE = float("-inf")
"""How None stands in an index column: below every int and str, and unlike NULL it can be compared."""
_STORED = "d.id, version, sequence, published, d.keys, tail, body"
_FREE_PAGES = 1_000
"""Free pages that stay in the file for the next documents; a delete gives more than these back to the disk."""


class Encoded(NamedTuple):
    """A document on its way into the table."""

    id: str
    keys: tuple[str, ...]
    version: int
    """What it will be."""
    columns: Row


class Table:
    """The statements of one collection."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._fields = index_fields(collection)
        self._documents, self._keys = quoted(collection.name), quoted(collection.name + ".keys")
        self._pending = quoted(collection.name + ".pending")
        columns = ["id", "version", "sequence", "published", *map(_column, self._fields), "keys", "tail", "body"]
        # OR FAIL: a statement that is never undone by itself needs no journal. DO NOTHING: for repeated rows alone
        into = f"INSERT OR FAIL INTO {self._documents} ({', '.join(columns)}) ROWS"
        self._insert = f"{into} ON CONFLICT DO NOTHING"
        changed = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in ("id", "published"))
        self._replace = f"{into} ON CONFLICT (id) DO UPDATE SET {changed}"

    def __reduce__(self) -> tuple[Any, ...]:
        """For the process that writes, which makes a table once."""
        return _table, (self.collection,)

    def create(self, db: Connection) -> None:
        """Create or extend the tables and indexes; documents that are there already get into the new ones."""
        db.execute(
            f"CREATE TABLE IF NOT EXISTS {self._documents} (id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,"
            " sequence INTEGER NOT NULL, published INTEGER NOT NULL, keys BLOB NOT NULL, tail BLOB NOT NULL, body BLOB NOT NULL)"
        )
        db.execute(f"CREATE TABLE IF NOT EXISTS {self._keys} (key TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID")
        db.execute(f"CREATE INDEX IF NOT EXISTS {self._pending} ON {self._documents} (id) WHERE sequence > published")
        self._add_columns(db)
        for index in self.collection.indexes:
            # named by its fields: an index that is declared anew over other fields is another one
            name = quoted(f"{self.collection.name}({','.join(index.fields)})")
            columns = ", ".join([*map(_column, index.fields), "id"])
            db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self._documents} ({columns})")

    def _add_columns(self, db: Connection) -> None:
        there = {str(row[1]) for row in db.execute(f"PRAGMA table_info({self._documents})").fetchall()}
        missing = [field for field in self._fields if _column(field) not in map(quoted, there)]
        for field in missing:
            db.execute(f"ALTER TABLE {self._documents} ADD COLUMN {_column(field)} DEFAULT -9e999")  # _NONE
        if missing:
            self._fill(db, missing)

    def _fill(self, db: Connection, fields: Sequence[str]) -> None:
        read = f"SELECT rowid, body FROM {self._documents} WHERE rowid > ? ORDER BY rowid LIMIT 1000"
        write = f"UPDATE {self._documents} SET {', '.join(_column(field) + ' = ?' for field in fields)} WHERE rowid = ?"
        last = -1
        while rows := _rows(db, read, last):
            db.executemany(write, [(*_sortable(index_values(orjson.loads(body), fields)), rowid) for rowid, body in rows])
            last = rows[-1][0]

    def encode(self, document: Document, version: int) -> Encoded:
        """What to write. Raises TypeError for what is no JSON or cannot stand in an index."""
        keys = tuple(dict.fromkeys(document.keys))
        values = _sortable(index_values(document.body, self._fields))
        content = orjson.dumps(keys), orjson.dumps(document.tail), orjson.dumps(document.body)
        return Encoded(document.id, keys, version, (document.id, version, document.sequence, 0, *values, *content))

    def insert(self, db: Connection, documents: Sequence[Encoded]) -> list[Stored | Duplicate]:
        """Write those whose id and keys are free."""
        ids = {
            row[0] for row in bulk(db, f"SELECT id FROM {self._documents} WHERE id IN (ROWS)", _singly(d.id for d in documents))
        }
        owners = self._owners(db, documents)
        results: list[Stored | Duplicate] = []
        fresh: list[Encoded] = []
        for document in documents:
            refusal = Duplicate(document.id, None) if document.id in ids else _taken(document, owners)
            results.append(refusal or Stored(1))
            if not refusal:
                fresh.append(document)
                ids.add(document.id)
                owners.update(dict.fromkeys(document.keys, document.id))
        self._add(db, fresh)
        return results

    def _add(self, db: Connection, documents: Sequence[Encoded]) -> None:
        claims = [(key, document.id) for document in documents for key in document.keys]
        before = db.total_changes()
        bulk(db, self._insert, [document.columns for document in documents])
        bulk(db, f"INSERT OR FAIL INTO {self._keys} ROWS ON CONFLICT DO NOTHING", claims)
        if db.total_changes() - before != len(documents) + len(claims):
            raise RuntimeError(f"{self._documents} and its keys do not agree: nothing of this transaction was written")

    def replace(self, db: Connection, documents: Sequence[Encoded]) -> list[Stored | Duplicate | Conflict]:
        """Write those whose stored version is the one before theirs and whose keys are free or their own."""
        current = self._current(db, [document.id for document in documents])
        owners = self._owners(db, documents)
        results: list[Stored | Duplicate | Conflict] = []
        accepted: list[Encoded] = []
        dropped: list[str] = []
        claimed: list[tuple[str, str]] = []
        for document in documents:
            version, keys = current.get(document.id, (None, ()))
            refusal = Conflict(version) if version != document.version - 1 else _taken(document, owners)
            results.append(refusal or Stored(document.version))
            if not refusal:
                accepted.append(document)
                current[document.id] = document.version, document.keys
                dropped += (free := set(keys).difference(document.keys))
                claimed += [(key, document.id) for key in document.keys if key not in keys]
                owners = {key: owner for key, owner in owners.items() if key not in free} if free else owners
                owners.update(dict.fromkeys(document.keys, document.id))
        bulk(db, self._replace, [document.columns for document in accepted])
        bulk(db, f"DELETE FROM {self._keys} WHERE key IN (ROWS)", _singly(dropped))
        bulk(db, f"INSERT OR REPLACE INTO {self._keys} ROWS", claimed)
        return results

    def mark_published(self, db: Connection, published: Sequence[tuple[str, int]]) -> list[None]:
        """Raise `published`, never lower it."""
        highest: dict[str, int] = {}
        for document, sequence in published:
            highest[document] = max(sequence, highest.get(document, 0))
        sql = f"UPDATE {self._documents} SET published = column2 FROM (ROWS) WHERE id = column1 AND published < column2"
        bulk(db, sql, list(highest.items()))
        return [None] * len(published)

    def delete(self, db: Connection, ids: Sequence[str]) -> list[None]:
        """Remove documents and their keys."""
        keys = [key for _, keys in self._current(db, ids).values() for key in keys]
        bulk(db, f"DELETE FROM {self._keys} WHERE key IN (ROWS)", _singly(keys))
        bulk(db, f"DELETE FROM {self._documents} WHERE id IN (ROWS)", _singly(ids))
        if (free := _rows(db, "PRAGMA freelist_count")[0][0]) > _FREE_PAGES:
            db.execute(f"PRAGMA incremental_vacuum({min(free - _FREE_PAGES, _FREE_PAGES)})").fetchall()
        return [None] * len(ids)

    def rows_by_id(self, db: Connection, ids: Sequence[str]) -> dict[str, Row]:
        """The stored rows of these ids, for `decode`."""
        return {row[0]: row for row in bulk(db, f"SELECT {_STORED} FROM {self._documents} d WHERE id IN (ROWS)", _singly(ids))}

    def rows_by_key(self, db: Connection, keys: Sequence[str]) -> dict[str, Row]:
        """The stored rows that claim these keys, by key."""
        sql = f"SELECT {_STORED}, key FROM {self._keys} k JOIN {self._documents} d ON d.id = k.id WHERE key IN (ROWS)"
        return {row[-1]: row[:-1] for row in bulk(db, sql, _singly(keys))}

    def page(
        self, db: Connection, prefix: Mapping[str, Value], rest: Sequence[str], after: tuple[list[Value], str] | None, *,
        limit: int, descending: bool,
    ) -> list[Document]:  # fmt: skip
        """Up to `limit` documents in index order."""
        order = [*map(_column, rest), "id"]
        where, values = _where(prefix)
        if after:
            last, last_id = after
            where += f" AND ({', '.join(order)}) {'<' if descending else '>'} ({', '.join('?' * len(order))})"
            values += [*_sortable(last), last_id]
        by = ", ".join(column + (" DESC" if descending else "") for column in order)
        sql = f"SELECT {_STORED} FROM {self._documents} d WHERE {where} ORDER BY {by} LIMIT ?"
        return [decode(row) for row in _rows(db, sql, *values, limit)]

    def count(self, db: Connection, prefix: Mapping[str, Value], limit: int | None) -> int:
        """How many match, at most `limit`."""
        where, values = _where(prefix)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {self._documents} WHERE {where} LIMIT ?)"
        return int(_rows(db, sql, *values, -1 if limit is None else limit)[0][0])

    def ids(self, db: Connection, prefix: Mapping[str, Value]) -> list[str]:
        """The ids that match."""
        where, values = _where(prefix)
        return [row[0] for row in _rows(db, f"SELECT id FROM {self._documents} WHERE {where}", *values)]

    def pending(self, db: Connection, limit: int) -> list[Document]:
        """Documents with unpublished events, oldest id first."""
        documents = f"{self._documents} AS d INDEXED BY {self._pending}"
        sql = f"SELECT {_STORED} FROM {documents} WHERE sequence > published ORDER BY id LIMIT ?"
        return [decode(row) for row in _rows(db, sql, limit)]

    def _current(self, db: Connection, ids: Sequence[str]) -> dict[str, tuple[int, tuple[str, ...]]]:
        rows = bulk(db, f"SELECT id, version, keys FROM {self._documents} WHERE id IN (ROWS)", _singly(ids))
        return {row[0]: (row[1], tuple(orjson.loads(row[2]))) for row in rows}

    def _owners(self, db: Connection, documents: Sequence[Encoded]) -> dict[str, str]:
        keys = _singly(key for document in documents for key in document.keys)
        return {row[0]: row[1] for row in bulk(db, f"SELECT key, id FROM {self._keys} WHERE key IN (ROWS)", keys)}


@cache
def _table(collection: Collection) -> Table:
    return Table(collection)


def decode(row: Row) -> Document:
    """A stored row as a new document."""
    document_id, version, sequence, published, keys, tail, body = row
    return Document(document_id, orjson.loads(body), tuple(orjson.loads(keys)), orjson.loads(tail), sequence, published, version)


def _taken(document: Encoded, owners: Mapping[str, str]) -> Duplicate | None:
    for key in document.keys:
        owner = owners.get(key, document.id)
        if owner != document.id:
            return Duplicate(owner, key)
    return None


def _rows(db: Connection, sql: str, *values: Any) -> list[Row]:
    return db.execute(sql, values).fetchall()


def _where(prefix: Mapping[str, Value]) -> tuple[str, list[Any]]:
    return " AND ".join([*(f"{_column(field)} = ?" for field in prefix), "true"]), _sortable(prefix.values())


def _column(field: str) -> str:
    return quoted("f." + field)


def _sortable(values: Iterable[Value]) -> list[str | int | float]:
    return [_NONE if value is None else value for value in values]


def _singly(values: Iterable[str]) -> list[Row]:
    return [(value,) for value in values]
