"""How a service runs: the HTTP server and its loops in one process, from the first signal to a drained stop."""

import asyncio
import gc
import math
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeAlias

import uvicorn
from fastapi import FastAPI

from shared import clock
from shared.errors import Transient
from shared.http.express import protocol
from shared.http.guard import Limits, Watch
from shared.http.health import Check
from shared.observability import logging, metrics
from shared.settings import HomeSettings
from shared.stopping import Stop

_log = logging.get(__name__)
_RESTART_SECONDS = (1.0, 30.0)
_STALL_SECONDS = 60.0
_NOT_STARTED = 3
"""The exit code that uvicorn gives a server whose start failed."""
_COLLECT = (10_000, 20, 50)
"""Young objects, young and middle collections until the garbage collector looks at them: a request makes hundreds."""

Beat: TypeAlias = Callable[[], None]
Work: TypeAlias = Callable[[asyncio.Event, Beat], Awaitable[None]]
"""A loop: works until the event is set, and calls the beat whenever it has made progress (idle waiting counts)."""


def serve(app: FastAPI, settings: HomeSettings, port: int) -> None:
    """Run until SIGTERM or Ctrl-C; then stop accepting, answer what is in flight, drain the loops and return.

    Answers have half of the drain, the loops what is left of it. A second signal, or the deadline, ends the process at once.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises the signal again once it has stopped: then we exit 0
    config = uvicorn.Config(
        app, host=settings.host, port=port, log_config=None, access_log=False, server_header=False, ws="none", backlog=2048,
        http=protocol(_limits(settings), app.state.express), timeout_keep_alive=math.ceil(settings.keep_alive_seconds),
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds / 2),
    )  # fmt: skip
    server = _Server(config, app, settings.drain_seconds)
    server.run()
    if not server.started:
        _log.error("cannot_start", reason=getattr(app.state, "cannot_start", "see above"))  # the log's last line says why
        sys.exit(_NOT_STARTED)


def _limits(settings: HomeSettings) -> Limits:
    return Limits(
        connections=settings.connections, head_bytes=settings.head_bytes, headers=settings.head_count,
        head_seconds=settings.head_seconds, body_seconds=settings.body_seconds, keep_alive_seconds=settings.keep_alive_seconds,
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Starts as usual, then takes what lives as long as the process out of the garbage collector's sight.

    Every full collection walked the pack, the routes and the model again, several times a second under load (measured:
    a sixth of intake's processor time, and pauses that showed in its p99).
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self._app, self._watch = app, Watch()
        self._stop = _process.stop = Stop(drain_seconds, self._left)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: the first begins the stop, the second ends it."""
        if self._stop.begun:
            self._stop.at_once("second signal")
        self._stop.begin()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let those go who only wait for news, then stop as usual."""
        for release in getattr(self._app.state, "on_stop", ()):
            release()
        await super().shutdown(sockets)

    def _left(self) -> dict[str, object]:
        return {"requests": len(self.server_state.tasks), "loops": sorted(task.get_name() for task in _process.loops)}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open everything, then freeze it."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; once a second look after the connections."""
        if counter % 10 == 0:
            self._watch.look_after(self.server_state.connections)
        return await super().on_tick(counter)


@dataclass
class _Process:
    """What this process is doing: its stop, and the loops that are at work."""

    stop: Stop | None = None
    loops: set[asyncio.Task[None]] = field(default_factory=set)


_process = _Process()


class Runner:
    """One loop, started again when it crashes; knows when it last made progress."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self._work = work
        self._last = clock.monotonic()
        self._crash: str | None = None
        self._ended = False

    async def run(self, stop: asyncio.Event) -> None:
        """Run the loop until `stop`; a crash is logged, and the loop starts again after a growing pause."""
        pause = _RESTART_SECONDS[0]
        while not stop.is_set():
            try:
                await self._work(stop, self._beat)
                self._ended, self._crash = True, None
                return
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled():
                    raise
                self._crash = f"{type(error).__name__}: {error}"
                _log.exception("loop_crashed", loop=self.name, again_in=pause)
            await wait_for(stop, pause)
            pause = min(pause * 2, _RESTART_SECONDS[1])

    async def check(self) -> None:
        """Raise RuntimeError when the loop has crashed and not recovered, or has stalled."""
        if self._crash:
            raise RuntimeError(f"crashed and starting again: {self._crash}")
        silent = clock.monotonic() - self._last
        if not self._ended and silent > _STALL_SECONDS:
            raise RuntimeError(f"no progress for {silent:.0f} s")

    def _beat(self) -> None:
        self._last, self._crash = clock.monotonic(), None
        metrics.LOOP_BEAT.labels(self.name).set(clock.now().timestamp())


def _is_cancelled() -> bool:
    """Whether somebody wants this task to end: a library that cancels a task of its own may let that out as if it were ours."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def running(loops: dict[str, Work], *, drain_seconds: float) -> AsyncIterator[dict[str, Check]]:
    """Run these loops inside the context; leaving it asks them to finish and cancels what is left at the deadline.

    Yields a liveness check for each.
    """
    stop = asyncio.Event()
    runners = [Runner(name, work) for name, work in loops.items()]
    tasks = [asyncio.create_task(runner.run(stop), name=runner.name) for runner in runners]
    _process.loops.update(tasks)
    for task in tasks:
        task.add_done_callback(_process.loops.discard)
    try:
        yield {runner.name: runner.check for runner in runners}
    finally:
        stop.set()
        await _finish(tasks, _process.stop.remaining(drain_seconds) if _process.stop else drain_seconds)


async def _finish(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        _log.warning("loop_not_drained", loop=task.get_name(), seconds=seconds)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but wake when `stop` is set; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def every(seconds: float, work: Callable[[], Awaitable[None]]) -> Work:
    """A loop that does this work at once and then again and again, with a pause between; transient trouble is waited out."""

    async def loop(stop: asyncio.Event, beat: Beat) -> None:
        while not stop.is_set():
            try:
                await work()
            except Transient as error:
                _log.warning("work_put_off", reason=str(error))
            await _rest(stop, beat, seconds)

    return loop


async def _rest(stop: asyncio.Event, beat: Beat, seconds: float) -> None:
    """Pause, and go on telling that the loop is alive."""
    end = clock.monotonic() + seconds
    beat()
    while (left := end - clock.monotonic()) > 0 and not await wait_for(stop, min(left, _STALL_SECONDS / 3)):
        beat()
