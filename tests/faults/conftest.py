"""Fixtures of the trials: a running system for a whole module, in the one-machine home."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.fleet import Fleet
from tests.faults.homes import OneMachine
from tests.faults.trial import Trial, trial


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory, model: Path, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    """A running one-machine home that the module's tests break one after the other."""
    fleet = Fleet(OneMachine(tmp_path_factory.mktemp("faults")), model)
    command = f"pytest {request.node.nodeid}"
    async with trial(fleet, command, request.node.name) as running:
        yield running
