"""A process beside a service that takes over what needs the processor and no I/O: calls in, answers out, in order.

The two talk over a socket pair, one end on the event loop, the other in a blocking read: no threads, no queues. Frames are
pickles, which is safe between a process and its own child and nowhere else.

A helper dies with its service, whose end of the socket closes then. When a helper dies, the calls that wait for it fail as
`HelperLost`, or, where calls have no effects, are made again once with a new one.
"""

import asyncio
import pickle
import pkgutil
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from shared import failpoints
from shared.errors import Transient
from shared.observability import logging

_log = logging.get(__name__)
_HEAD = struct.Struct("!Q")


class HelperLost(Transient):
    """The helper process died during a call (twice, where it is made again)."""

    slug = "helper-lost"


class Helper:
    """Starts the process, and calls it. Once it has answered the `first` call it is ready."""

    def __init__(self, prepare: str, first: Any, *, repeat: bool = True) -> None:
        """`prepare` (as `package.module:function`) makes, in the helper, of the first call the function that answers all
        others. `repeat`: calls have no effects, so those that a dying helper leaves behind are made again once."""
        self._prepare, self._first, self._tries = prepare, first, 2 if repeat else 1
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises `HelperLost` when it ends instead, and once it is closed."""
        if self._closed:
            raise HelperLost(f"{self._prepare} is closed")
        async with self._starting:
            if self._writer is None:
                await self._start()

    async def call(self, work: Any) -> Any:
        """The helper's answer. Raises what it raised, or `HelperLost`."""
        for _ in range(self._tries):
            await self._start_again()
            with suppress(ConnectionError):
                return await self._send(work)
        raise HelperLost(f"{self._prepare} died while it worked on this")

    async def close(self) -> None:
        """Let it end by itself: its socket closes."""
        self._closed = True
        if self._writer:
            self._writer.close()
        if self._reading:
            await asyncio.wait([self._reading])
        if self._process:
            await self._process.wait()

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shared.helper", self._prepare, str(theirs.fileno()),
                pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._reading = asyncio.create_task(self._read(reader))
        try:
            await self._send(self._first)
        except ConnectionError:
            raise HelperLost(f"{self._prepare} ended when it was started: its reason stands in the log above") from None
        except Exception:  # it lives, and is of no use
            self._writer.close()
            await asyncio.wait([self._reading])
            raise

    async def _start_again(self) -> None:
        try:
            await self.start()
        except HelperLost:
            raise
        except Exception as error:  # what it needs is not there: it may be there next time
            raise HelperLost(f"{self._prepare} cannot be started: {error}") from error

    async def _send(self, work: Any) -> Any:
        if self._writer is None:
            raise ConnectionError
        content = pickle.dumps(work, protocol=5)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(_HEAD.pack(len(content)) + content)
        found = await answer
        if isinstance(found, Exception):
            raise found
        return found

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                (size,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
                found = pickle.loads(await reader.readexactly(size))  # noqa: S301 - our own child
                if not (answer := self._waiting.popleft()).done():
                    answer.set_result(found)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._lost()

    def _lost(self) -> None:
        if self._writer and not self._writer.is_closing():
            _log.warning("helper_lost", helper=self._prepare)
            self._writer.close()
        self._writer = None
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(ConnectionResetError())


def answer_calls(prepare: Callable[[Any], Callable[[Any], Any]], descriptor: int) -> None:
    """The helper's side, its whole life."""
    failpoints.arm()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the service, which ends us
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb", buffering=1 << 16) as stream:
        work: Callable[[Any], Any] = prepare
        while head := stream.read(_HEAD.size):
            call = pickle.loads(stream.read(*_HEAD.unpack(head)))  # noqa: S301 - our own parent
            found = _answer(work, call)
            if work is prepare and callable(found):
                work, found = found, None
            content = pickle.dumps(found, protocol=5)
            stream.write(_HEAD.pack(len(content)) + content)
            stream.flush()


def _answer(work: Callable[[Any], Any], call: Any) -> Any:
    try:
        return work(call)
    except Exception as error:  # whatever it is, who called is to know
        return error


if __name__ == "__main__":
    answer_calls(pkgutil.resolve_name(sys.argv[1]), int(sys.argv[2]))
