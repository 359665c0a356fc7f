"""A running router in the one-machine home."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.desk import Bench, running_router, settings_in


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_router(settings_in(tmp_path)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One for a whole module: for tests that look at nothing but the case they made."""
    async with running_router(settings_in(tmp_path_factory.mktemp("router"))) as running:
        yield running
