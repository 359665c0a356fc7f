"""The reading side: fetching records, looking how far partitions go, and noticing that there are new ones."""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apsw
import orjson

from shared.errors import LogUnavailable
from shared.log.port import Partition, Received
from shared.log.sqlite_schema import Database, fetch_all, offset_of, row_id
from shared.log.sqlite_writer import Placed, placed

_POLL_BYTES = 16 * 1024 * 1024
"""A poll stops after the record that passes this, whatever its limit: 500 records of 1 MB would be half a gigabyte."""

_QUICK, _SLOW = 0.002, 0.018
"""Seconds between two looks: just after news, and when it has been quiet."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to read on: the partition, its id in the file, and the next offset."""

    partition: Partition
    id: int
    offset: int


class Reader:
    """Blocking reads from the log's file; every method opens a snapshot, fetches all of it and ends it before
    returning, because an open one holds back the WAL's checkpoint. Each raises `LogUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def partitions(self) -> Placed:
        """Every topic's partitions with their ids."""
        with self._database.use() as connection:
            return placed(connection)

    def ends(self) -> dict[int, int]:
        """Partition id → the next offset it will give out."""
        with self._database.use() as connection:
            return _ends(connection)

    def retentions(self) -> dict[str, float]:
        """Topic → hours a record is kept."""
        with self._database.use() as connection:
            return dict(fetch_all(connection, "SELECT name, retention_hours FROM topics"))

    def fetch(self, cursors: Iterable[Cursor], limit: int) -> tuple[list[Received], dict[Partition, int]]:
        """Up to `limit` records from where the cursors stand, and where each cursor that moved stands then."""
        records: list[Received] = []
        moved: dict[Partition, int] = {}
        room = _POLL_BYTES
        with self._database.use() as connection:
            ends = _ends(connection)
            for cursor in cursors:
                end = ends.get(cursor.id, 0)
                if cursor.offset >= end:
                    continue
                if len(records) >= limit or room <= 0:
                    break
                found, size = _read(connection, cursor, end, limit - len(records), room)
                room -= size
                records += found
                cut_short = len(records) >= limit or room <= 0
                # A partition read to its end moves to the end: what is missing before it was trimmed.
                moved[cursor.partition] = found[-1].offset + 1 if found and cut_short else end
        return records, moved

    def first_from(self, partition_id: int, offset: int) -> tuple[int, float] | None:
        """Offset and time (seconds since the epoch) of the first record at or after an offset; None without one."""
        with self._database.use() as connection:
            rows = fetch_all(
                connection,
                "SELECT id, published_at FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
                (row_id(partition_id, offset), row_id(partition_id + 1, 0)),
            )
        return (offset_of(rows[0][0]), rows[0][1]) if rows else None

    def data_version(self) -> int:
        """A number that changes when another connection has committed to the file."""
        with self._database.use() as connection:
            return int(fetch_all(connection, "PRAGMA data_version")[0][0])


def _ends(connection: apsw.Connection) -> dict[int, int]:
    return dict(fetch_all(connection, "SELECT id, next_offset FROM partitions"))


def _read(connection: apsw.Connection, cursor: Cursor, end: int, limit: int, room: int) -> tuple[list[Received], int]:
    rows = connection.execute(
        "SELECT id, published_at, key, headers, value FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (row_id(cursor.id, cursor.offset), row_id(cursor.id, end), limit),
    )
    found: list[Received] = []
    size = 0
    for row, published_at, key, headers, value in rows:
        decoded = orjson.loads(headers) if headers else {}
        found.append(Received(cursor.partition, offset_of(row), key, value, decoded, published_at))
        size += len(value)
        if size >= room:
            break
    rows.close(True)
    return found, size


class Tail:
    """Watches the end of the log from a thread of its own while somebody waits for news."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._waiters: set[asyncio.Future[None]] = set()
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.ends: Mapping[int, int] = {}
        """Partition id → the next offset, as of the last look."""

    async def wait(self, seconds: float) -> None:
        """Return when the file has changed, or after this time. Compare `ends` just before, without an await between."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="log-tail", daemon=True)
            self._thread.start()
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            self._waiters.discard(waiter)

    async def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _watch(self) -> None:
        seen: int | None = None
        pause = _QUICK
        while not self._closing.wait(pause):
            if not self._waiters:
                self._wanted.clear()
            if not self._waiters and not self._closing.is_set():  # either may have come just before the clear
                self._wanted.wait()
            version = self._look(seen)
            pause = _QUICK if version != seen else min(pause * 1.2, _SLOW)
            if version != seen:
                seen = version
                self._wake()

    def _look(self, seen: int | None) -> int | None:
        """The file's version now; None (which wakes everybody, to meet the error themselves) when it cannot be read."""
        try:
            version = self._reader.data_version()
            if version != seen:
                self.ends = self._reader.ends()
        except LogUnavailable:
            return None
        return version

    def _wake(self) -> None:
        for waiter in list(self._waiters):
            try:
                waiter.get_loop().call_soon_threadsafe(_release, waiter)
            except RuntimeError:
                continue  # its loop is closed


def _release(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
