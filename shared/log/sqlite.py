"""The log of the one-machine home: a WAL file, partitions by key hash, group commit, leased consumer groups."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from shared.clock import now
from shared.log.limits import refuse_what_never_fits
from shared.log.port import Consumer, Lag, Partition, Position, Record, TopicSpec
from shared.log.sqlite_consumer import SqliteConsumer, Threads
from shared.log.sqlite_groups import Groups, Member
from shared.log.sqlite_presence import Presence
from shared.log.sqlite_reader import Reader, Tail
from shared.log.sqlite_schema import GROUPS, LOG, Database, fetch_all, row_id
from shared.log.sqlite_writer import Writer

_TRIM_ROWS = 1_000
_VACUUM_PAGES = 1_000


class SqliteLog:
    """See `shared.log.port.Log`. Several processes may have the same file open; each uses its log from one event loop.

    Opening touches nothing: the folder and the files appear at first use, and what is wrong with them is then a
    `LogUnavailable`. Use it as an async context, or `close` it.
    """

    def __init__(self, path: Path) -> None:
        """`path` is the log's file; the groups' file `<stem>.groups<suffix>` and the members' folder lie beside it."""
        self._writer = Writer(Database(path, LOG))
        self._readers = (Database(path, LOG), Database(path, LOG))
        self._reader = Reader(self._readers[0])
        self._tail = Tail(Reader(self._readers[1]))
        groups = Database(path.with_name(f"{path.stem}.groups{path.suffix}"), GROUPS)
        self._groups = Groups(groups, Presence(path.with_name(f"{path.stem}.members")))
        self._threads = Threads()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """See the port."""
        refuse_what_never_fits(records)
        return await self._writer.publish(list(records)) if records else []

    def subscribe(
        self, group: str, topics: Sequence[str], *, session_timeout: float = 6.0
    ) -> AbstractAsyncContextManager[Consumer]:
        """See the port."""
        return self._member(Member(group, tuple(topics), session_timeout))

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> list[str]:
        """See the port. The retention of a topic that exists is changed to what the spec says."""
        return await self._writer.run(lambda connection: _apply(connection, topics))

    async def lag(self, group: str, topics: Sequence[str]) -> dict[Partition, Lag]:
        """See the port. A group that has committed nothing is at the earliest record."""
        committed = await self._committed(group)
        return await self._threads.log(lambda: self._lags(committed, topics))

    async def trim(self, groups: Mapping[str, Sequence[str]]) -> int:
        """See the port. Runs between other transactions, 1,000 rows at a time, and gives the freed pages back."""
        committed = {group: await self._committed(group) for group in groups}
        retentions = await self._threads.log(self._reader.retentions)
        ends = await self._threads.log(self._reader.ends)
        placed = await self._threads.log(self._reader.partitions)
        gone = 0
        for topic, partitions in placed.items():
            cutoff = now().timestamp() - retentions[topic] * 3600
            readers = [group for group, read in groups.items() if topic in read]
            for partition_id, partition in partitions:
                floor = min((committed[group].get(partition, 0) for group in readers), default=ends[partition_id])
                gone += await self._trim(partition_id, floor, cutoff)
        while gone and await self._writer.run(_vacuum):
            pass
        return gone

    async def check(self) -> None:
        """See the port: takes both files' write locks once."""
        await self._writer.run(_touch)
        await self._threads.groups(self._groups.check)

    async def close(self) -> None:
        """See the port."""
        await self._writer.close()
        await self._tail.close()
        await self._threads.close()
        self._groups.close()
        for database in self._readers:
            database.close()

    @asynccontextmanager
    async def _member(self, member: Member) -> AsyncIterator[Consumer]:
        consumer = SqliteConsumer(member, self._groups, self._reader, self._tail, self._threads)
        try:
            yield consumer
        finally:
            await consumer.leave()

    async def _committed(self, group: str) -> dict[Partition, int]:
        return await self._threads.groups(lambda: self._groups.committed(group))

    def _lags(self, committed: Mapping[Partition, int], topics: Sequence[str]) -> dict[Partition, Lag]:
        ends, placed = self._reader.ends(), self._reader.partitions()
        lags = {}
        for partition_id, partition in (place for topic in topics for place in placed.get(topic, ())):
            end = ends[partition_id]
            at = committed.get(partition)
            first = self._reader.first_from(partition_id, at or 0)
            start = at if at is not None else (first[0] if first else end)
            lags[partition] = Lag(start, end, first[1] if first else None)
        return lags

    async def _trim(self, partition_id: int, floor: int, cutoff: float) -> int:
        gone = 0
        while step := await self._writer.run(lambda connection: _trim_step(connection, partition_id, floor, cutoff)):
            gone += step
        return gone


def _apply(connection: apsw.Connection, topics: Sequence[TopicSpec]) -> list[str]:
    with connection:
        known = {name for (name,) in fetch_all(connection, "SELECT name FROM topics")}
        connection.executemany(
            "INSERT INTO topics (name, retention_hours) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET retention_hours = excluded.retention_hours",
            [(topic.name, topic.retention_hours) for topic in topics],
        )
        created = [topic for topic in topics if topic.name not in known]
        connection.executemany(
            "INSERT INTO partitions (topic, number) VALUES (?, ?)",
            [(topic.name, number) for topic in created for number in range(topic.partitions)],
        )
    return [topic.name for topic in created]


def _trim_step(connection: apsw.Connection, partition_id: int, floor: int, cutoff: float) -> int:
    with connection:
        rows = fetch_all(
            connection,
            "SELECT id, published_at FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (row_id(partition_id, 0), row_id(partition_id, floor), _TRIM_ROWS),
        )
        old = [row for row, _ in takewhile(lambda row: row[1] < cutoff, rows)]
        if old:
            connection.execute("DELETE FROM records WHERE id BETWEEN ? AND ?", (old[0], old[-1]))
    return len(old)


def _vacuum(connection: apsw.Connection) -> int:
    """Give some free pages back to the disk; how many went."""
    before = _free_pages(connection)
    fetch_all(connection, f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
    return before - _free_pages(connection)


def _free_pages(connection: apsw.Connection) -> int:
    return int(fetch_all(connection, "PRAGMA freelist_count")[0][0])


def _touch(connection: apsw.Connection) -> None:
    with connection:
        pass
