"""The one-machine home: starts the services as child processes, watches them, and stops them cleanly."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import ports
from deploy.local.child import Child, Program, Say
from deploy.local.lock import FolderLock
from deploy.local.logfile import LogFile
from shared import clock
from shared.errors import BadSettings, Permanent
from shared.settings import HomeSettings

__all__ = ["NotReady", "Program", "Supervisor", "service_programs"]

_LOOK_SECONDS = 0.1
_LOG_CHECK_SECONDS = 5.0
_FALSE_STARTS = 4
"""A service that had to be started this often and was never ready has a fault that waiting does not mend."""


class NotReady(Permanent):
    """A service did not become ready; the text says which and how its log ends."""

    slug = "not-ready"


ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""glibc keeps freed memory in an arena of its own for each thread that came to allocate at once: tens of MB a service."""


def service_programs(settings: HomeSettings, **environment: str) -> list[Program]:
    """Every service of this home, all with exactly these settings; `environment` adds variables."""
    told = {f"YIJIAN_{name.upper()}": str(value) for name, value in settings.model_dump().items() if value is not None}
    return [
        Program(name, (sys.executable, "-m", f"services.{name}"), settings.port + offset, {**ALLOCATOR, **told, **environment})
        for name, offset in ports.OFFSETS.items()
    ]


class Supervisor:
    """Keeps `programs` running from `start` to `stop`; also a context manager that does both.

    `folder` is the data folder: locked, and with the logs below it. `say` is given a short line when something happens.
    A program has `stop_seconds` to end after SIGTERM. `back_off` is the first and the longest pause before a restart.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        folder: Path,
        say: Say,
        host: str = "127.0.0.1",
        stop_seconds: float = 15.0,
        back_off: tuple[float, float] = (0.5, 10.0),
    ) -> None:
        self._children = {
            program.name: Child(program, LogFile(folder / "log" / f"{program.name}.log"), say, back_off) for program in programs
        }
        self._lock = FolderLock(folder)
        self._host = host
        self._stop_seconds = stop_seconds
        self._say = say
        self._tasks: list[asyncio.Task[None]] = []
        self._housekeeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start everything; `ready` waits until it can be used."""
        self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop everything."""
        await self.stop()

    def claim(self) -> None:
        """Take the folder and look at the ports, without starting anything: for who has something to prepare first.

        Raises `BadSettings` when the folder is in use or a port is taken. `start` does it too; `stop` gives back.
        """
        self._lock.acquire()
        try:
            self._check_ports()
        except BadSettings:
            self._lock.release()
            raise

    def start(self) -> None:
        """Start every program. Raises `BadSettings` as `claim` does; nothing runs then."""
        self.claim()
        self._tasks = [asyncio.create_task(child.run(), name=name) for name, child in self._children.items()]
        self._housekeeping = asyncio.create_task(self._bound_logs())

    async def ready(self, timeout: float = 60.0) -> None:
        """Wait until every program with a port is ready. Raises `NotReady` after `timeout` seconds or some false starts."""
        deadline = clock.monotonic() + timeout
        waiting = [child for child in self._children.values() if child.program.port is not None]
        while waiting := [child for child in waiting if not await self._is_ready(child)]:
            hopeless = next((child for child in waiting if child.starts >= _FALSE_STARTS), None)
            if hopeless or clock.monotonic() > deadline:
                raise NotReady(_why_not_ready(hopeless or waiting[0], timeout))
            await clock.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Ask every program to finish, kill what is left at the deadline, and give the folder back."""
        for child in self._children.values():
            child.terminate()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._stop_seconds)
            for task in late:
                self._say(f"{task.get_name()} did not stop within {self._stop_seconds:g} s: killing it")
            self.kill()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._housekeeping:
            self._housekeeping.cancel()
            await asyncio.gather(self._housekeeping, return_exceptions=True)
        self._tasks, self._housekeeping = [], None
        self._lock.release()

    def kill(self) -> None:
        """End every program at once (for who cannot wait for `stop`)."""
        for child in self._children.values():
            child.kill()

    def pid(self, name: str) -> int | None:
        """The process id of this program; None while it is not running."""
        return self._children[name].pid

    def starts(self, name: str) -> int:
        """How often this program has been started."""
        return self._children[name].starts

    def _check_ports(self) -> None:
        for child in self._children.values():
            port = child.program.port
            if port is not None and ports.is_taken(self._host, port):
                owner = ports.holder(port) or "another program"
                raise BadSettings(
                    f"port {port} ({child.program.name}) is taken by {owner}: "
                    "stop that one, or choose other ports: YIJIAN_PORT=9000 make run"
                )

    async def _is_ready(self, child: Child) -> bool:
        port = child.program.port
        return child.pid is not None and port is not None and await ports.is_ready(self._host, port)

    async def _bound_logs(self) -> None:
        while True:
            for child in self._children.values():
                child.log.bound()
            await clock.sleep(_LOG_CHECK_SECONDS)


def _why_not_ready(child: Child, timeout: float) -> str:
    how = (
        f"was started {child.starts} times and never ready" if child.starts >= _FALSE_STARTS else f"not ready after {timeout:g} s"
    )
    return f"{child.program.name} {how}; its log {child.log.path} ends: {child.log.last_line() or '(empty)'}"
