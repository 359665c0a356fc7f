"""Fixtures: the shipped model, and a city in either home."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.support.city import City, Home, running_city
from tests.support.model import trained_model


@pytest.fixture(scope="session")
def model(pytestconfig: pytest.Config) -> Path:
    """The classifier of the shipped pack: trained once for this code and pack, then kept in pytest's cache."""
    return trained_model(pytestconfig)


@pytest.fixture
def one_machine(tmp_path: Path, model: Path) -> Home:
    """The one-machine home: SQLite for log and store."""
    return Home(tmp_path, f"sqlite:////{tmp_path}/log.db", f"sqlite:////{tmp_path}/", model)


@pytest.fixture(params=["one machine", pytest.param("cluster", marks=[pytest.mark.kafka, pytest.mark.mongo, pytest.mark.slow])])
def home(request: pytest.FixtureRequest, tmp_path: Path, model: Path) -> Home:
    """Either home; the cluster is Apache Kafka and a MongoDB-wire server."""
    if request.param == "one machine":
        return Home(tmp_path, f"sqlite:////{tmp_path}/log.db", f"sqlite:////{tmp_path}/", model)
    kafka, mongo = request.getfixturevalue("kafka"), request.getfixturevalue("mongo_url")
    return Home(tmp_path, kafka.url, _own_databases(mongo), model)


def _own_databases(url: str) -> str:
    """The same server, with databases that nobody else uses."""
    return urlsplit(url)._replace(path=f"/t{uuid.uuid4().hex[:12]}").geturl()


@pytest.fixture
async def city(home: Home) -> AsyncIterator[City]:
    """A running city in either home."""
    async with running_city(home) as running:
        yield running


@pytest.fixture
async def small_city(one_machine: Home) -> AsyncIterator[City]:
    """A running city in the one-machine home."""
    async with running_city(one_machine) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front_door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """Intake alone in the one-machine home, the same for a whole module."""
    path = tmp_path_factory.mktemp("front-door")
    home = Home(path, f"sqlite:////{path}/log.db", f"sqlite:////{path}/", path)
    async with running_city(home, ["intake"]) as running:
        yield running
