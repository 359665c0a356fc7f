"""What only the SQLite home has to promise: one file, several processes, a disk that fills, a child that is killed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.ids import new_id
from shared.store import Document, Duplicate, Stored, sqlite_file
from shared.store.sqlite import SqliteStore
from shared.testing.wait import wait_until
from tests.contract.store.conftest import CASES

_CHILD = """
import asyncio, sys
from pathlib import Path
from shared.ids import new_id
from shared.store import Document
from shared.store.sqlite import SqliteStore
from tests.contract.store.conftest import CASES

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.prepare([CASES])
    async def write(writer):
        for number in range(int(sys.argv[2])):
            document = Document(new_id(), {"number": number}, (f"shared/{number}", f"{sys.argv[3]}/{writer}/{number}"))
            result = (await store.insert(CASES, [document]))[0]
            print(type(result).__name__, document.id, flush=True)
    await asyncio.gather(*(write(writer) for writer in range(8)))
    await store.close()

asyncio.run(main())
"""


def _child(path: Path, documents: int, name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(path), str(documents), name], stdout=subprocess.PIPE, text=True)


def _stored(output: str) -> set[str]:
    return {line.split()[1] for line in output.splitlines() if line.startswith("Stored ") and len(line.split()) == 2}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "deep" / "suite.db")
    await opened.prepare([CASES])
    yield opened
    await opened.close()


async def test_several_processes_write_one_file_and_a_key_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "suite.db"
    children = [_child(path, 40, str(number)) for number in range(3)]
    outputs = [(await asyncio.to_thread(child.communicate))[0] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    store = SqliteStore(path)
    await store.prepare([CASES])
    stored = set().union(*map(_stored, outputs))
    assert len(stored) == 40  # of 960 that wanted 40 keys
    assert set(await store.ids(CASES, "by_number", {})) == stored
    await store.close()


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "suite.db"
    for round_ in range(3):
        with _child(path, 100_000, f"round/{round_}") as child:
            assert child.stdout
            lines = [await asyncio.to_thread(child.stdout.readline) for _ in range(200 * (round_ + 1))]
            child.kill()
            acknowledged = _stored("".join(lines) + child.stdout.read())
        store = SqliteStore(path)
        await store.prepare([CASES])
        there = await store.get(CASES, sorted(acknowledged))
        assert set(there) == acknowledged
        for document in there.values():
            assert (await store.find(CASES, document.keys)).keys() == set(document.keys)
        await store.close()


async def test_a_full_disk_is_unavailability_and_passes(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [_large() for _ in range(20)]
    await store.insert(CASES, before)
    await store._writer.run(lambda db: db.execute("PRAGMA max_page_count = 60").fetchall())
    half = [_large() for _ in range(40)]
    with pytest.raises(StoreUnavailable, match="Full"):
        await store.insert(CASES, half)
    assert await store.get(CASES, [d.id for d in half]) == {}
    assert await store.find(CASES, [key for d in half for key in d.keys]) == {}
    # the thread has a fresh connection now, and the disk has room again
    assert await store.insert(CASES, half) == [Stored(1)] * 40
    assert len(await store.get(CASES, [d.id for d in before + half])) == 60


async def test_a_file_locked_for_too_long_is_unavailability_and_passes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 50)
    other, patient = SqliteStore(store._path), SqliteStore(store._path)
    await other.prepare([CASES])
    await patient._writer.run(lambda db: db.execute("BEGIN IMMEDIATE"))
    with pytest.raises(StoreUnavailable, match="Busy"):
        await other.check()
    with pytest.raises(StoreUnavailable, match="Busy"):
        await other.insert(CASES, [_large()])
    assert await other.count(CASES, "by_number", {}) == 0  # reading goes on
    await patient._writer.run(lambda db: db.execute("ROLLBACK"))
    assert await other.insert(CASES, [_large()]) == [Stored(1)]
    await other.close()
    await patient.close()


async def test_a_place_that_cannot_be_written_is_unavailability(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    (tmp_path / "noise.db").write_bytes(b"this is no database" * 1000)
    for path in (tmp_path / "file" / "suite.db", tmp_path / "noise.db", tmp_path):
        store = SqliteStore(path)
        with pytest.raises(StoreUnavailable):
            await store.prepare([CASES])
        await store.close()


async def test_concurrent_singles_share_their_transactions(store: SqliteStore) -> None:
    groups: list[int] = []
    commit = store._writes._commit

    async def counted(writes: list[Any]) -> Sequence[list[Any] | Exception]:
        groups.append(len(writes))
        return await commit(writes)

    store._writes._commit = counted
    results = await asyncio.gather(*(store.insert(CASES, [_large()]) for _ in range(64)))
    assert results == [[Stored(1)]] * 64
    assert sum(groups) == 64
    assert len(groups) <= 3


async def test_a_full_queue_makes_callers_wait_and_all_are_answered(store: SqliteStore) -> None:
    store._writes._capacity = 10
    results = await asyncio.gather(*(store.insert(CASES, [_large() for _ in range(7)]) for _ in range(30)))
    assert results == [[Stored(1)] * 7] * 30
    assert await store.insert(CASES, [_large() for _ in range(600)]) == [Stored(1)] * 600


async def test_batches_of_every_size_are_written_whole(store: SqliteStore) -> None:
    total = 0
    for size in [*range(1, 20), 255, 256, 257, 383, 385, 511]:
        documents = [
            Document(name := new_id(), {"number": size}, (f"a/{name}", f"b/{name}"), [{"sequence": 1}], 1) for _ in range(size)
        ]
        total += size
        assert await store.insert(CASES, documents) == [Stored(1)] * size
        found = await store.get(CASES, [d.id for d in documents])
        assert await store.replace(CASES, list(found.values())) == [Stored(2)] * size
        await store.mark_published(CASES, {d.id: 1 for d in documents})
        assert len(await store.find(CASES, [key for d in documents for key in d.keys])) == 2 * size
        assert await store.count(CASES, "by_number", {}) == total
        assert await store.pending(CASES, limit=1) == []
        await store.delete(CASES, [d.id for d in documents[::2]])
        total -= len(documents[::2])
        assert len(await store.find(CASES, [key for d in documents for key in d.keys])) == 2 * (size // 2)


async def test_every_question_runs_over_an_index(store: SqliteStore) -> None:
    plans: list[str] = []

    def traced(db: sqlite_file.Connection) -> None:
        db.exec_trace = lambda cursor, sql, bindings: plans.append(sql) or True  # type: ignore[func-returns-value]

    await store._reader.run(traced)
    await store._reader.run(traced)
    page = await store.page(CASES, "by_state", {"state": None}, limit=1, after=None)
    assert page.cursor is None
    await store.insert(CASES, [_large(), _large(), _large()])
    for descending in (False, True):
        cursor = (await store.page(CASES, "by_state", {"state": None}, limit=1, descending=descending)).cursor
        await store.page(CASES, "by_state", {"state": None}, limit=1, after=cursor, descending=descending)
        await store.page(CASES, "by_number", {}, limit=1, descending=descending)
    await store.count(CASES, "by_state", {"state": None})
    await store.ids(CASES, "by_state", {"state": None})
    await store.pending(CASES, limit=5)
    asked = [sql for sql in plans if sql.startswith("SELECT")]
    assert asked
    for sql in asked:
        text = "; ".join(await store._reader.run(partial(_plan, sql)))
        assert "USING" in text, (sql, text)
        assert "TEMP B-TREE" not in text, (sql, text)


async def test_a_repeat_after_a_restart_is_a_duplicate(tmp_path: Path) -> None:
    document = _large()
    for expected in (Stored(1), Duplicate(document.id, None)):
        store = SqliteStore(tmp_path / "suite.db")
        await store.prepare([CASES])
        assert await store.insert(CASES, [document]) == [expected]
        await store.close()


async def test_another_process_sees_what_was_written(store: SqliteStore) -> None:
    child = _child(store._path, 3, "a")
    await wait_until(lambda: store.count(CASES, "by_number", {}), what="a document of the child")
    await asyncio.to_thread(child.communicate)
    assert await store.count(CASES, "by_number", {}) == 3


def _plan(sql: str, db: sqlite_file.Connection) -> list[str]:
    return [str(row[3]) for row in db.execute("EXPLAIN QUERY PLAN " + sql, (0,) * sql.count("?")).fetchall()]


def _large() -> Document:
    name = new_id()
    return Document(name, {"number": 1, "text": "x" * 8_000}, (f"key/{name}",))
