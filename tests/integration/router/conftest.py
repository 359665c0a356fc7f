"""A running router in the one-machine home."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.desk import Bench, running_router, settings_in


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_router(settings_in(tmp_path)) as running:
        yield running
