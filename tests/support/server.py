"""A server that others wrote, as a child process: started, known to be ready by what it logs, stopped or killed. Blocking."""

import re
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from shared.clock import monotonic

_READY_SECONDS, _STOP_SECONDS = 60.0, 20.0
_NEVER = threading.Event()


class Server:
    """One process at a time in a folder that stays, and so do its data."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self.folder = name, folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """Ask it to end, and wait until it has; hard when that takes too long (a lone node of a cluster that has gone hangs)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def _launch(self, command: Sequence[str]) -> None:
        with self._log.open("wb") as log:  # what was said before the last start is of no use any more
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)

    def _said(self, pattern: bytes) -> re.Match[bytes]:
        """What it says when it serves. Raises `RuntimeError` with the end of its log when it will not."""
        deadline = monotonic() + _READY_SECONDS
        while not (found := re.search(pattern, self._log.read_bytes())):
            if monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"{self._name} did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            _NEVER.wait(0.05)
        return found

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
