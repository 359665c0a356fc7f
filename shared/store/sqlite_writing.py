"""What is written to a SQLite store, and the process that may do it: everything in one transaction, one after the other.

A thread that writes beside a busy event loop waits for the interpreter's lock at every step of every statement: a transaction
of 20 documents took 4.3 ms, of which 1.2 were work. `Apart` does the same work in a process of its own, which also makes the
documents that it inserts (`SqliteWorkshop`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shared.errors import StoreUnavailable
from shared.failpoints import failpoint_in_thread
from shared.helper import Helper, HelperLost
from shared.store.sqlite_file import Connection, Link, transaction
from shared.store.sqlite_table import Table
from shared.store.workshop import Inserted, Made, Recipe, makes

T = TypeVar("T")


class Write(NamedTuple):
    """What one call wants of one table; `verb` is a method of Table that answers per entry."""

    verb: Callable[[Table, Connection, Sequence[Any]], Sequence[Any]]
    table: Table
    entries: Sequence[Any]


class _Requests(NamedTuple):
    """What documents are to be made of, and where they go."""

    table: Table
    requests: Sequence[Any]


class _Tools(NamedTuple):
    """What the process works with."""

    path: Path
    cache_mb: int
    recipe: Recipe


class Apart:
    """Runs what writes in a process of its own. What is asked and answered travels there and back: it must pickle."""

    def __init__(self, path: Path, recipe: Recipe, *, cache_mb: int) -> None:
        self._path = path
        self._helper = Helper(f"{__name__}:works", _Tools(path, cache_mb, recipe), repeat=False)

    async def start(self) -> None:
        """Start the process."""
        await self._helper.start()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do it. Raises what `Link.use` raises, and StoreUnavailable when the process dies or is closed."""
        found: T = await self._call(work)
        return found

    async def make(self, table: Table, requests: Sequence[Any]) -> list[Inserted]:
        """Make the documents of these requests and insert them. Raises as `run`."""
        found: list[Inserted] = await self._call(_Requests(table, requests))
        return found

    async def close(self) -> None:
        """Let the process end."""
        await self._helper.close()

    async def _call(self, asked: Any) -> Any:
        try:
            return await self._helper.call(asked)
        except HelperLost as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error


class SqliteWorkshop:
    """The workshop of a store whose writes are all done by the process that makes the documents."""

    at_once = 3
    """One at work, one that waits there, one on its way."""

    def __init__(self, apart: Apart, table: Callable[[], Table]) -> None:
        self._apart, self._table = apart, table

    async def start(self) -> None:
        """Start the process."""
        await self._apart.start()

    async def insert(self, requests: Sequence[Any]) -> list[Inserted]:
        """Make and insert, in one transaction."""
        return await self._apart.make(self._table(), requests)

    async def close(self) -> None:
        """The store ends the process."""


def create_tables(db: Connection, tables: Sequence[Table]) -> None:
    """Create what is missing."""
    with transaction(db):
        db.execute('CREATE TABLE IF NOT EXISTS "store.check" (one INTEGER PRIMARY KEY, times INTEGER NOT NULL)')
        for table in tables:
            table.create(db)


def commit(db: Connection, writes: Sequence[Write]) -> list[list[Any]]:
    """All of it in one transaction. The writes of a group are concurrent, so those of a kind go together."""
    kinds: dict[tuple[Any, Table], list[int]] = {}
    for number, write in enumerate(writes):
        kinds.setdefault((write.verb, write.table), []).append(number)
    answers: list[list[Any]] = [[] for _ in writes]
    with transaction(db):
        for (verb, table), numbers in kinds.items():
            results = iter(verb(table, db, [entry for number in numbers for entry in writes[number].entries]))
            for number in numbers:
                answers[number] = list(islice(results, len(writes[number].entries)))
        failpoint_in_thread("store.commit")
    failpoint_in_thread("store.committed")
    return answers


def probe(db: Connection) -> None:
    """Write one row."""
    with transaction(db):
        db.execute('INSERT INTO "store.check" VALUES (1, 1) ON CONFLICT DO UPDATE SET times = times + 1')


def insert_made(db: Connection, table: Table, made: Sequence[Made]) -> list[Inserted]:
    """Insert what was made, in one transaction."""
    documents = [table.encode(document, 1) for one in made for document in one.documents]
    if not documents:
        return [Inserted(one.told, []) for one in made]
    (results,) = commit(db, [Write(Table.insert, table, documents)])
    left = iter(results)
    return [Inserted(one.told, list(islice(left, len(one.documents)))) for one in made]


def works(tools: _Tools) -> Callable[[Any], Any]:
    """What the process does: its tools come first, then what is asked of it."""
    use, make = Link(tools.path, cache_mb=tools.cache_mb).use, makes(tools.recipe)

    def work(asked: _Requests | Callable[[Connection], Any]) -> Any:
        if isinstance(asked, _Requests):
            return use(partial(insert_made, table=asked.table, made=make(asked.requests)))
        return use(asked)

    return work
