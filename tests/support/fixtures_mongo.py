"""Fixture with a server that speaks MongoDB's wire protocol: a real one (`YIJIAN_TEST_MONGO`), else secantusdb.

Without either the tests skip, or fail where `YIJIAN_REQUIRE` names mongo. secantusdb is GPL: a child process, never imported.
There are two of it: the one that `make mongo` builds is the faster, the one among the requirements needs no compiler.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clock import monotonic

_BUILT = Path(__file__).parents[2] / ".mongo/bin/secantusd-rs"
_PROGRAM = _BUILT if _BUILT.exists() else Path(sys.executable).with_name("secantusd-py")
_READY_SECONDS = 60.0
_NEVER = threading.Event()


class MongoProcess:
    """One secantusdb on a port of its own. `stop` and `start` keep its data."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def _log(self) -> Path:
        return self._directory / "server.log"

    @property
    def url(self) -> str:
        """Where it listens. secantusdb cannot retry writes, and a busy machine makes it slow rather than away."""
        return f"mongodb://127.0.0.1:{self._port}/?retryWrites=false&socketTimeoutMS=300000"

    def start(self) -> None:
        """Return when it listens; on the same port as before."""
        data = str(self._directory / "data")
        command = [str(_PROGRAM), "--port", str(self._port), "--storage-path", data, "--sync-on-commit"]
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self._directory)
        deadline = monotonic() + _READY_SECONDS
        while not (listening := re.search(rb"listening on \S+:(\d+)", self._log.read_bytes())):
            if monotonic() > deadline or self._child.poll() is not None:
                raise RuntimeError(f"secantusdb did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            _NEVER.wait(0.05)
        self._port = int(listening[1])

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._child:
            self._child.send_signal(how)
            try:
                self._child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None


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
