"""The file under the SQLite store: how it is opened and by whom, what of its trouble is nobody's mistake, how rows travel.

The only other module that touches apsw is `sqlite_table`, which speaks SQL to a connection it is given.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import apsw

from shared import testmode
from shared.errors import StoreUnavailable

T = TypeVar("T")
Connection: TypeAlias = apsw.Connection
Row: TypeAlias = tuple[Any, ...]

BUSY_MS = 10_000
"""How long a writer waits for another process's transaction before the store counts as unavailable."""
_LARGEST_STATEMENT = 256
_TROUBLE = (
    apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.CorruptError,
    apsw.NotADBError, apsw.NoMemError, apsw.ProtocolError, apsw.PermissionsError, apsw.InterruptError, apsw.AuthError,
    apsw.ConnectionClosedError,
)  # fmt: skip


class Link:
    """A connection that is opened when it is needed, for one thread."""

    def __init__(self, path: Path, *, cache_mb: int) -> None:
        self._path, self._cache_mb = path, cache_mb
        self._connection: Connection | None = None

    def use(self, work: Callable[[Connection], T]) -> T:
        """Do it. Raises StoreUnavailable for disk full, locked, I/O errors and the like; a mistake in a statement stays
        itself. After either the next work has a fresh connection."""
        try:
            if self._connection is None:
                self._connection = connect(self._path, cache_mb=self._cache_mb)
            return work(self._connection)
        except (apsw.Error, OSError) as error:
            self.close()
            if isinstance(error, (*_TROUBLE, OSError)):
                raise StoreUnavailable(f"{self._path}: {type(error).__name__}: {error}") from error
            raise

    def close(self) -> None:
        """Close what is open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(True)


class Threads:
    """A few threads, each with a connection of its own: nothing that may wait for a disk runs on the event loop."""

    def __init__(self, path: Path, name: str, count: int, *, cache_mb: int) -> None:
        self._path, self._cache_mb = path, cache_mb
        self._pool = ThreadPoolExecutor(count, name)
        self._mine = threading.local()
        self._links: set[Link] = set()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do it in the next free thread. Raises what `Link.use` raises, and StoreUnavailable when closed."""
        try:
            answer = asyncio.get_running_loop().run_in_executor(self._pool, self._use, work)
        except RuntimeError as error:
            raise StoreUnavailable("the store is closed") from error
        return await answer

    async def close(self) -> None:
        """Let the threads finish, then close their connections."""
        await asyncio.to_thread(self._pool.shutdown)
        for link in self._links:
            link.close()
        self._links.clear()

    def _use(self, work: Callable[[Connection], T]) -> T:
        link: Link | None = getattr(self._mine, "link", None)
        if link is None:
            link = self._mine.link = Link(self._path, cache_mb=self._cache_mb)
            self._links.add(link)
        return link.use(work)


def create(path: Path) -> None:
    """Make sure that the file and its directories exist. Raises StoreUnavailable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path, cache_mb=1, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        if not connection.pragma("page_count"):  # what stays for ever is decided before the first page
            connection.execute("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL").fetchall()
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.close()
    except (OSError, *_TROUBLE) as error:
        raise StoreUnavailable(f"{path}: {type(error).__name__}: {error}") from error


def connect(path: Path, *, cache_mb: int, flags: int = apsw.SQLITE_OPEN_READWRITE) -> Connection:
    """Open the file; by default one that has vanished is an error and no empty store."""
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=500)
    connection.set_busy_timeout(BUSY_MS)
    for pragma in (
        f"synchronous = {testmode.synchronous('FULL')}",  # the WAL is synced at every commit
        "wal_autocheckpoint = 4000",
        f"journal_size_limit = {64 * 2**20}",
        f"cache_size = -{cache_mb * 1024}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All or nothing, and from its start alone among all processes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def bulk(connection: Connection, sql: str, rows: Sequence[Row]) -> list[Row]:
    """Run `sql` for all rows with few statements, `ROWS` standing for `VALUES (?, …), (?, …)`; what they return.

    apsw gives up the interpreter's lock at every step, and beside a busy event loop it may be milliseconds until it has
    it again: so one statement takes up to 256 rows. The sizes are powers of two, so that prepared statements are found
    again; to get there the last row may be repeated, so `sql` must mean the same when it meets a row twice.
    """
    found: list[Row] = []
    for part in _powers_of_two(rows):
        group = "(" + ",".join("?" * len(part[0])) + ")"
        statement = sql.replace("ROWS", "VALUES " + ",".join([group] * len(part)))
        found += connection.execute(statement, tuple(chain.from_iterable(part))).fetchall()
    return found


def _powers_of_two(items: Sequence[T]) -> Iterator[Sequence[T]]:
    start = 0
    while left := len(items) - start:
        size = min(_LARGEST_STATEMENT, 1 << (left - 1).bit_length())
        if left < size * 3 / 4:
            size //= 2  # too many repeats: another statement is cheaper
        part = items[start : start + size]
        yield [*part, *[part[-1]] * (size - len(part))]
        start += len(part)
