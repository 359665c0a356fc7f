"""The two files of the SQLite log: their tables, and how a connection to them is opened, guarded and dropped.

The log's file keeps topics and records; the groups' file keeps who consumes them and how far they are. They are apart
because SQLite has one writer a file: with both in one, consumers that commit starve behind a busy publisher.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from shared import testmode
from shared.clock import monotonic
from shared.errors import LogUnavailable

BUSY_SECONDS = 10.0
"""How long one waits for another process's transaction before the log counts as unavailable."""

OFFSET_BITS = 40
"""A record's row id is its partition's id above its offset, so a partition is one range of the table's own tree."""

_WAL_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a file, and how hard its commits are: `synchronous` FULL survives a power cut."""

    tables: str
    synchronous: str


LOG = Schema(
    """
    CREATE TABLE IF NOT EXISTS topics (
        name TEXT PRIMARY KEY, retention_hours REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS partitions (
        id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0,
        UNIQUE (topic, number));
    CREATE TABLE IF NOT EXISTS records (
        id INTEGER PRIMARY KEY, published_at REAL NOT NULL, key TEXT, headers BLOB, value BLOB NOT NULL);
    """,
    # A publish that has returned is kept whatever happens to the machine.
    synchronous="FULL",
)

GROUPS = Schema(
    """
    CREATE TABLE IF NOT EXISTS members (
        joined INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, id TEXT NOT NULL UNIQUE, topics TEXT NOT NULL,
        boot TEXT NOT NULL, seen REAL NOT NULL, timeout REAL NOT NULL);
    CREATE TABLE IF NOT EXISTS shares (
        grp TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL, next_offset INTEGER, epoch INTEGER NOT NULL,
        holder TEXT, PRIMARY KEY (grp, topic, number)) WITHOUT ROWID;
    """,
    # A commit survives kill -9; a power cut may undo the last ones, which only delivers some records again.
    synchronous="NORMAL",
)


def row_id(partition_id: int, offset: int) -> int:
    """The row a record has in `records`."""
    return partition_id << OFFSET_BITS | offset


def offset_of(row: int) -> int:
    """The offset inside its partition that a row id stands for."""
    return row & ((1 << OFFSET_BITS) - 1)


def fetch_all(connection: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every row of a statement; its cursor is at its end then, and holds no snapshot open."""
    return connection.execute(sql, bindings).fetchall()


class Database:
    """One connection to one file: opened at first use, used by one thread at a time, dropped after every error."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self._schema = schema
        self._lock = threading.RLock()
        self._connection: apsw.Connection | None = None

    @contextmanager
    def use(self) -> Iterator[apsw.Connection]:
        """The connection, for this thread alone. Every trouble of SQLite or the disk becomes `LogUnavailable`."""
        with self._lock:
            try:
                self._connection = self._connection or self._open()
                yield self._connection
            except (apsw.Error, OSError) as error:
                self.close()
                raise LogUnavailable(f"{self.path}: {error or type(error).__name__}") from error

    @contextmanager
    def write(self) -> Iterator[apsw.Connection]:
        """The connection inside one write transaction, which an exception rolls back."""
        with self.use() as connection, connection:
            yield connection

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(apsw.Error):
                    connection.close(True)

    def _open(self) -> apsw.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = monotonic() + BUSY_SECONDS
        while True:
            try:
                return self._try_open()
            except apsw.BusyError:
                # Turning WAL on asks no busy handler: several processes that create the file at once meet here.
                if monotonic() > deadline:
                    raise
                _pause()

    def _try_open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path))
        try:
            connection.set_busy_handler(_Patience())
            connection.transaction_mode = "IMMEDIATE"
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # has to come before the file has its first page
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
            connection.execute(f"PRAGMA synchronous={testmode.synchronous(self._schema.synchronous)}")
            connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT_BYTES}").fetchall()
            with connection:
                connection.execute(self._schema.tables)
        except BaseException:
            connection.close(True)
            raise
        return connection


class _Patience:
    """SQLite's busy handler: retries every few milliseconds (its own backs off to 100 ms and starves)."""

    def __init__(self) -> None:
        self._deadline = 0.0

    def __call__(self, tries: int) -> bool:
        if tries == 0:
            self._deadline = monotonic() + BUSY_SECONDS
        _pause()
        return monotonic() < self._deadline


_NEVER = threading.Event()


def _pause() -> None:
    """1 to 3 ms, uneven so that processes that collided once do not go on colliding."""
    _NEVER.wait(random.uniform(0.001, 0.003))  # noqa: S311 - no secret
