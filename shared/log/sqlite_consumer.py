"""A member of a consumer group of the SQLite log."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from shared.clock import monotonic
from shared.errors import LeaseLost, LogUnavailable
from shared.log.port import Partition, Received
from shared.log.sqlite_groups import Groups, Heart, Member, Share
from shared.log.sqlite_reader import Cursor, Reader, Tail

T = TypeVar("T")

_SYNC_SECONDS = 1.0
"""At least this often a poll looks whether partitions change hands."""


class Threads:
    """Where blocking work goes: one thread for the log's file, one for the groups', so neither waits for the other."""

    def __init__(self) -> None:
        self._log = ThreadPoolExecutor(1, thread_name_prefix="log-reader")
        self._groups = ThreadPoolExecutor(1, thread_name_prefix="log-groups")

    async def log(self, work: Callable[[], T]) -> T:
        """Do this in the thread of the log's file."""
        return await self._run(self._log, work)

    async def groups(self, work: Callable[[], T]) -> T:
        """Do this in the thread of the groups' file."""
        return await self._run(self._groups, work)

    async def close(self) -> None:
        """Wait for what is running."""
        await asyncio.to_thread(self._log.shutdown)
        await asyncio.to_thread(self._groups.shutdown)

    @staticmethod
    async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            running = pool.submit(work)
        except RuntimeError as error:
            raise LogUnavailable("the log is closed") from error
        return await asyncio.wrap_future(running)


class SqliteConsumer:
    """See `shared.log.port.Consumer`; made by `SqliteLog.subscribe`."""

    def __init__(self, member: Member, groups: Groups, reader: Reader, tail: Tail, threads: Threads) -> None:
        self._member = member
        self._groups = groups
        self._reader = reader
        self._tail = tail
        self._threads = threads
        self._shares: dict[Partition, Share] = {}
        self._cursors: dict[Partition, Cursor] = {}
        self._sync_at = 0.0
        self._sync_every = min(_SYNC_SECONDS, member.timeout / 10)
        self._heart = Heart(functools.partial(groups.beat, member), member.timeout / 5)

    async def poll(self, limit: int, wait: float) -> list[Received]:
        """See the port."""
        deadline = monotonic() + wait
        await self._sync_if_due()
        records = await self._fetch(limit)
        while not records and (left := deadline - monotonic()) > 0:
            await self._news(left)
            await self._sync_if_due()
            if self._behind():
                records = await self._fetch(limit)
        return records

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See the port."""
        held = {p: (self._shares[p].epoch, offset) for p, offset in offsets.items() if p in self._shares}
        lost = [p for p in offsets if p not in held]
        if held:
            lost += await self._threads.groups(lambda: self._groups.commit(self._member, held))
        if lost:
            self._sync_at = 0.0
            raise LeaseLost("no longer held: " + ", ".join(f"{topic}/{number}" for topic, number in lost))

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        """See the port; partitions that are not held are somebody else's now."""
        for partition in offsets.keys() & self._cursors.keys():
            cursor = self._cursors[partition]
            self._cursors[partition] = Cursor(partition, cursor.id, offsets[partition])

    def assigned(self) -> frozenset[Partition]:
        """See the port."""
        return frozenset(self._cursors)

    async def leave(self) -> None:
        """Stop beating and free the partitions; when the file cannot be reached, others take them over in time."""
        with suppress(LogUnavailable):
            await self._threads.groups(self._leave)

    def _leave(self) -> None:
        self._heart.stop()
        self._groups.leave(self._member)

    async def _sync_if_due(self) -> None:
        if monotonic() < self._sync_at:
            return
        shares, ids = await self._threads.groups(self._sync)
        self._cursors = {p: self._cursor(p, share, ids[p]) for p, share in shares.items()}
        self._shares = shares
        self._sync_at = monotonic() + self._sync_every

    def _sync(self) -> tuple[dict[Partition, Share], dict[Partition, int]]:
        """What is held now, and every partition's id. All members have to count the same partitions, also those of
        topics that only others read or that were made a moment ago: so the list is read afresh each time."""
        ids = {partition: number for placed in self._reader.partitions().values() for number, partition in placed}
        return self._groups.sync(self._member, ids), ids

    def _cursor(self, partition: Partition, share: Share, partition_id: int) -> Cursor:
        """Where it was, under the same lease; under a new one where the group is."""
        before = self._shares.get(partition)
        if before is not None and before.epoch == share.epoch:
            return self._cursors[partition]
        return Cursor(partition, partition_id, share.committed or 0)

    async def _fetch(self, limit: int) -> list[Received]:
        cursors = list(self._cursors.values())
        records, moved = await self._threads.log(lambda: self._reader.fetch(cursors, limit))
        for partition, offset in moved.items():
            # What was read goes to the back of the row, so that a busy partition does not hide the others.
            self._cursors[partition] = Cursor(partition, self._cursors.pop(partition).id, offset)
        return records

    def _behind(self) -> bool:
        ends = self._tail.ends
        return any(cursor.offset < ends.get(cursor.id, 0) for cursor in self._cursors.values())

    async def _news(self, seconds: float) -> None:
        if not self._behind():
            await self._tail.wait(min(seconds, max(self._sync_at - monotonic(), 0.001)))
