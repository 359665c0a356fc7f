"""Fixture with a server that speaks MongoDB's wire protocol: a real one (`YIJIAN_TEST_MONGO`), else secantusdb.

Without either the tests skip, or fail where `YIJIAN_REQUIRE` names mongo. secantusdb is GPL: a child process, never imported.
There are two of it: the one that `make mongo` builds is the faster, the one among the requirements needs no compiler.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server

_BUILT = Path(__file__).parents[2] / ".mongo/bin/secantusd-rs"
_PROGRAM = _BUILT if _BUILT.exists() else Path(sys.executable).with_name("secantusd-py")


class MongoProcess(Server):
    """One secantusdb on a port of its own. `stop` and `start` keep its data."""

    def __init__(self, folder: Path) -> None:
        super().__init__("secantusdb", folder)
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens. secantusdb cannot retry writes, and a busy machine makes it slow rather than away."""
        return f"mongodb://127.0.0.1:{self._port}/?retryWrites=false&socketTimeoutMS=300000"

    def start(self) -> None:
        """Return when it listens; on the same port as before."""
        data = str(self.folder / "data")
        self._launch([str(_PROGRAM), "--port", str(self._port), "--storage-path", data, "--sync-on-commit"])
        self._port = int(self._said(rb"listening on \S+:(\d+)")[1])


def need_secantusdb() -> None:
    """Skip, or fail where `YIJIAN_REQUIRE` asks for it."""
    if _PROGRAM.exists():
        return
    reason = f"no MongoDB: YIJIAN_TEST_MONGO is not set, and there is no {_PROGRAM}"
    if "mongo" in os.environ.get("YIJIAN_REQUIRE", ""):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the whole session. A test takes a database name of its own (a path in the URL)."""
    if given := os.environ.get("YIJIAN_TEST_MONGO"):
        yield given
        return
    need_secantusdb()
    server = MongoProcess(tmp_path_factory.mktemp("mongo"))
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoProcess]:
    """A started server that the test may stop and start."""
    need_secantusdb()
    server = MongoProcess(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.stop()
