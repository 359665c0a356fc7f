"""One program that is kept running: started again when it dies, until it is told to stop."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from deploy.local.logfile import LogFile
from shared import clock

Say: TypeAlias = Callable[[str], None]
_STEADY_SECONDS = 30.0
"""Who ran this long before it died had started well: the back-off begins anew."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. With a `port` it is ready when `GET /health/ready` answers 200 there."""

    name: str
    command: tuple[str, ...]
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's own."""


class Child:
    """A program with its process, its log and its back-off (first and longest pause, seconds)."""

    def __init__(self, program: Program, log: LogFile, say: Say, back_off: tuple[float, float]) -> None:
        self.program, self.log = program, log
        self.starts = 0
        self._say = say
        self._back_off = back_off
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep it running until `stop`."""
        pause = self._back_off[0]
        while not self._stopping.is_set():
            began = clock.monotonic()
            how = await self._run_once()
            if self._stopping.is_set():
                break
            if clock.monotonic() - began > _STEADY_SECONDS:
                pause = self._back_off[0]
            self._say(f"{self.program.name} {how}; starting it again in {pause:g} s (log: {self.log.path})")
            await self._rest(pause)
            pause = min(pause * 2, self._back_off[1])
        self._say(f"{self.program.name} stopped")

    def terminate(self) -> None:
        """Ask it to finish, and do not start it again."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and what it has started at once, and do not start it again."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> str:
        """Run it to its end; how that came."""
        try:
            process = await self._spawn()
        except OSError as error:
            return f"cannot be started ({error})"
        self._process = process
        self.starts += 1
        if self._stopping.is_set():  # asked to stop while it was being started
            self.terminate()
        where = f", port {self.program.port}" if self.program.port else ""
        self._say(f"{self.program.name} started (pid {process.pid}{where})")
        return self._how(await process.wait())

    async def _spawn(self) -> asyncio.subprocess.Process:
        output = self.log.open()
        try:
            return await asyncio.create_subprocess_exec(
                *self.program.command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **self.program.environment}, preexec_fn=_die_with(os.getpid()),
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which stops its children in order
            )  # fmt: skip
        finally:
            os.close(output)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _how(self, code: int) -> str:
        """How it ended; with its last words, unless somebody else ended it."""
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        words = self.log.last_line()
        return f"died with exit code {code}" + (f": {words}" if words else "")

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it was faster
            os.killpg(self.pid, number) if number == signal.SIGKILL else os.kill(self.pid, number)


def _die_with(parent: int) -> Callable[[], None] | None:
    """Run in the child before the program: it is killed when its supervisor dies, since nobody else would stop it.

    SIGKILL and not SIGTERM: there is nobody left to enforce a deadline, and a service survives a kill by design.
    """
    libc = _libc
    if libc is None:
        return None

    def leash() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the leash was on
            os._exit(1)

    return leash
