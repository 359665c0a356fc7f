"""The outbox and the real log of the one-machine home: what a crash does to events."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.log.port import TopicSpec
from shared.log.sqlite import SqliteLog
from shared.store.outbox import Relay
from shared.store.sqlite import SqliteStore
from shared.testing.wait import wait_until
from tests.unit.store.outbox import CASES, add, case, nothing_pending, running, to_records


async def test_a_crash_between_publish_and_mark_repeats_in_order(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SqliteLog(tmp_path / "log.db")
    await log.apply_topics([TopicSpec("cases", 2)])
    document, other = case("a", "b"), case("a")
    await store.insert(CASES, [document, other])

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(store, "mark_published", never)
    crashing = asyncio.create_task(Relay(store, log, CASES, to_records).run(asyncio.Event()))
    await wait_until(lambda: published(log, 3), what="the events on the log")
    crashing.cancel()
    await asyncio.wait([crashing])
    monkeypatch.undo()
    await add(store, document, "c")
    async with running(Relay(store, log, CASES, to_records)):
        await wait_until(lambda: nothing_pending(store))
    assert await read(log) == {document.id: [1, 2, 1, 2, 3], other.id: [1, 1]}
    await log.close()


async def published(log: SqliteLog, count: int) -> bool:
    lag = await log.lag("nobody", ["cases"])
    return sum(partition.end for partition in lag.values()) >= count


async def read(log: SqliteLog) -> dict[str, list[int]]:
    found = defaultdict(list)
    async with log.subscribe("reader", ["cases"]) as consumer:
        while records := await consumer.poll(100, 0.5):
            for record in records:
                found[str(record.key)].append(orjson.loads(record.value)["sequence"])
    return dict(found)
