"""A store in a real file, and a log that does as it is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.store.outbox import EVENTS
from shared.store.sqlite import SqliteStore
from tests.unit.store.outbox import CASES, ScriptedLog


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db")
    await opened.prepare([CASES, EVENTS])
    yield opened
    await opened.close()


@pytest.fixture
def log() -> ScriptedLog:
    return ScriptedLog()
