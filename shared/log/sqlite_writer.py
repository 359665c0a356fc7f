"""The publishing side: one thread writes what many tasks publish, so one fsync serves them all."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from zlib import crc32

import apsw
import orjson

from shared.clock import now
from shared.errors import LogUnavailable, RecordRefused
from shared.failpoints import failpoint_in_thread
from shared.log.port import Partition, Position, Record
from shared.log.sqlite_schema import Database, fetch_all, row_id

T = TypeVar("T")

_GROUP_RECORDS = 5_000
"""A transaction takes no more than this (and the batch that passes it), so that nobody waits long behind it."""

Placed = dict[str, tuple[tuple[int, Partition], ...]]
"""Topic → its partitions in order, each with its id."""


@dataclass(frozen=True, slots=True)
class _Batch:
    records: Sequence[Record]
    done: "asyncio.Future[list[Position]]"


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[apsw.Connection], Any]
    done: "asyncio.Future[Any]"


class Writer:
    """The process's only writing connection to the log's file. Used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: SimpleQueue[_Batch | _Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._partitions: Placed = {}

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """Store a batch in a transaction shared with whatever else is waiting; returns after its fsync.

        Raises `RecordRefused` for an unknown topic, `LogUnavailable`."""
        done: asyncio.Future[list[Position]] = asyncio.get_running_loop().create_future()
        self._submit(_Batch(records, done))
        return await done

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do something else with the writing connection, between two transactions. Raises `LogUnavailable`."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._submit(_Job(work, done))
        return await done

    async def close(self) -> None:
        """Write what is waiting, then end the thread."""
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _submit(self, item: _Batch | _Job) -> None:
        if self._closed:
            raise LogUnavailable("the log is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
            self._thread.start()
        self._queue.put(item)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            items = [first, *self._waiting(first)]
            batches = [item for item in items if isinstance(item, _Batch)]
            jobs = [item for item in items if isinstance(item, _Job)]
            if batches:
                _settle(zip((batch.done for batch in batches), self._store(batches), strict=True))
            for job in jobs:
                _settle([(job.done, self._do(job))])
            if len(items) > len(batches) + len(jobs):
                return

    def _waiting(self, first: _Batch | _Job) -> Iterable[_Batch | _Job | None]:
        item: _Batch | _Job | None = first
        count = 0
        while item is not None and count < _GROUP_RECORDS:
            count += len(item.records) if isinstance(item, _Batch) else 1
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            yield item

    def _do(self, job: _Job) -> Any:
        try:
            with self._database.use() as connection:
                return job.work(connection)
        except Exception as error:  # whatever it is belongs to who asked, not to this thread
            return error

    def _store(self, batches: list[_Batch]) -> list[Any]:
        """The outcome of each batch: its positions, or the error to raise."""
        try:
            with self._database.write() as connection:
                refused = [self._unknown_topics(connection, batch.records) for batch in batches]
                taken = [batch.records for batch, refusal in zip(batches, refused, strict=True) if refusal is None]
                positions = iter(self._insert(connection, taken))
                failpoint_in_thread("log.commit")
            return [next(positions) if refusal is None else refusal for refusal in refused]
        except LogUnavailable as error:
            return [LogUnavailable(str(error)) for _ in batches]
        except Exception as error:  # a bug must reach the callers: nobody waits for a thread that died
            return [error for _ in batches]

    def _unknown_topics(self, connection: apsw.Connection, records: Sequence[Record]) -> RecordRefused | None:
        if any(record.topic not in self._partitions for record in records):
            self._partitions = placed(connection)
        unknown = {i: f"unknown topic {r.topic}" for i, r in enumerate(records) if r.topic not in self._partitions}
        return RecordRefused(unknown) if unknown else None

    def _insert(self, connection: apsw.Connection, batches: list[Sequence[Record]]) -> list[list[Position]]:
        ends: dict[int, int] = {}
        published_at = now().timestamp()
        rows: list[tuple[int, float, str, bytes | None, bytes]] = []
        positions: list[list[Position]] = []
        for records in batches:
            batch_positions = []
            for record in records:
                choices = self._partitions[record.topic]
                partition_id, partition = choices[crc32(record.key.encode()) % len(choices)]
                offset = ends[partition_id] if partition_id in ends else _next_offset(connection, partition_id)
                ends[partition_id] = offset + 1
                headers = orjson.dumps(dict(record.headers)) if record.headers else None
                rows.append((row_id(partition_id, offset), published_at, record.key, headers, record.value))
                batch_positions.append(Position(partition, offset))
            positions.append(batch_positions)
        connection.executemany("INSERT INTO records (id, published_at, key, headers, value) VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany(
            "UPDATE partitions SET next_offset = ? WHERE id = ?", [(end, partition_id) for partition_id, end in ends.items()]
        )
        return positions


def placed(connection: apsw.Connection) -> Placed:
    """Every topic's partitions with their ids, as the file has them now."""
    rows = fetch_all(connection, "SELECT topic, number, id FROM partitions ORDER BY topic, number")
    return {
        topic: tuple((partition_id, Partition(topic, number)) for _, number, partition_id in group)
        for topic, group in itertools.groupby(rows, key=lambda row: str(row[0]))
    }


def _next_offset(connection: apsw.Connection, partition_id: int) -> int:
    return int(fetch_all(connection, "SELECT next_offset FROM partitions WHERE id = ?", (partition_id,))[0][0])


def _settle(outcomes: Iterable[tuple["asyncio.Future[Any]", Any]]) -> None:
    """Hand the outcomes to the event loop, all in one wake-up."""
    pairs = list(outcomes)
    try:
        pairs[0][0].get_loop().call_soon_threadsafe(_resolve, pairs)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


def _resolve(pairs: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, outcome in pairs:
        if future.done():
            continue  # its task was cancelled; what was stored stays stored
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
