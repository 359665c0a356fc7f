"""What a connection may take: a head of bounded size, a bounded time for each part of a request, and a place among others.

uvicorn bounds none of this with httptools (`h11_max_incomplete_event_size` is h11's), and its one time-out is for connections
at rest. A request costs no timer and no clock here: the server looks at all connections once a second and tells each how much
time has passed (`wait`); what has moved on since begins anew. Who is turned away is answered with a problem, and is listened
to for a moment longer: a socket that is closed with something unread resets the connection, and the answer with it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared import clock
from shared.http.problems import Problem
from shared.http.ratelimit import retry_after
from shared.observability import metrics

_LINGER_SECONDS = 2.0
_LONGEST_LOOK = 2.0
_LINGERERS = 50
"""So many beyond the limit are told why they are turned away; more are cut off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of connections and requests."""

    connections: int = 900
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    keep_alive_seconds: float = 30.0


_REST, _HEAD, _BODY, _ANSWER, _GONE = range(5)
"""Which part is awaited: between two requests · a head · a body · the answer · nothing, since it was turned away."""


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._part, self._waited = _HEAD, 0.0
        self._head = self._chunk = 0
        self._stuck: float | None = None
        self._refusal: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, if there is a place for it."""
        super().connection_made(transport)
        over = len(self.connections) - self.limits.connections
        if over > 0:
            metrics.child(metrics.SHED, "connections").inc()
            self._turn_away(_too_many()) if over <= _LINGERERS else transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless the head grows too long."""
        if self._part == _GONE:
            return
        self._chunk = len(data)
        super().data_received(data)
        if self._part == _REST:  # empty lines before a request are a beginning too
            self._part, self._waited = _HEAD, 0.0
        if self._part == _HEAD:
            self._head += len(data)
            if self._head > self.limits.head_bytes:
                self._turn_away(_head_too_large(self.limits))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._part, self._waited, self._head = _HEAD, 0.0, 0

    def on_headers_complete(self) -> None:
        """Its head is complete, and is looked at."""
        if len(self.headers) > self.limits.headers or (self._head + self._chunk > self.limits.head_bytes and self._is_large()):
            self._refusal = _head_too_large(self.limits)
            raise ValueError("the head is too large")  # httptools stops, and `send_400_response` answers
        self._part, self._waited = _BODY, 0.0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Its body is complete."""
        super().on_message_complete()
        self._part, self._waited = (_REST if self.cycle.response_complete else _ANSWER), 0.0

    def on_response_complete(self) -> None:
        """It is answered; no timer for a connection at rest, since `wait` sees to those."""
        if self.pipeline:
            super().on_response_complete()
            return
        if self._part == _ANSWER:
            self._part, self._waited = _REST, 0.0
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or a head that was refused."""
        self._turn_away(self._refusal or Problem(400, "not-http", f"This is no HTTP/1.1 request: {msg}"))

    def pause_writing(self) -> None:
        """The other side does not read what it is sent."""
        super().pause_writing()
        self._stuck = 0.0

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stuck = None

    def wait(self, seconds: float) -> None:
        """So much time has passed: turn away whoever takes too long, and close what rests too long."""
        waited, self._waited = self._waited, self._waited + seconds  # this part may have begun just now
        if self._stuck is not None:
            self._stuck += seconds
            if self._stuck > self.limits.body_seconds:
                self.transport.abort()
        if self._part == _HEAD and waited > self.limits.head_seconds:
            self._too_slow("head", self.limits.head_seconds)
        elif self._part == _BODY and waited > self.limits.body_seconds:
            self._too_slow("body", self.limits.body_seconds)
        elif self._part == _REST and waited > self.limits.keep_alive_seconds:
            self.transport.close()
        elif self._part == _GONE and waited > _LINGER_SECONDS:
            self.transport.abort()

    def _is_large(self) -> bool:
        return len(self.url) + sum(map(len, chain.from_iterable(self.headers))) > self.limits.head_bytes

    def _too_slow(self, part: str, seconds: float) -> None:
        if self.flow.read_paused or (part == "head" and self._busy()):
            self._waited = 0.0  # it is we who do not read, or who have not answered the request before
            return
        metrics.child(metrics.SHED, f"slow-{part}").inc()
        detail = f"The {part} of the request did not arrive within {seconds:g} seconds. Send it again, faster."
        self._turn_away(Problem(408, "too-slow", detail))

    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _turn_away(self, problem: Problem) -> None:
        """Answer with the problem, if no other answer is on its way, and listen to nothing more."""
        if not (self._busy() and (self.cycle.response_started or self._part == _HEAD)):
            self.transport.write(_wire(problem))
        if self._busy():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._part, self._waited = _GONE, 0.0
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()


class Watch:
    """Looks at all connections now and then; a connection itself reads no clock."""

    def __init__(self) -> None:
        self._last = clock.monotonic()

    def look_after(self, connections: Iterable[object]) -> None:
        """Turn away whoever takes too long."""
        now = clock.monotonic()
        passed, self._last = min(now - self._last, _LONGEST_LOOK), now  # when we stood still, nobody else was slow
        for connection in list(connections):
            if isinstance(connection, Guarded):
                connection.wait(passed)


def _wire(problem: Problem) -> bytes:
    """The problem as it goes over the wire, where no response can be made any more."""
    response = problem.response()
    response.headers["connection"] = "close"
    lines = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
    return b"".join((STATUS_LINE[problem.status], *lines, b"\r\n", bytes(response.body)))


def _head_too_large(limits: Limits) -> Problem:
    detail = (
        f"The address and headers are larger than {limits.head_bytes:,} bytes, or more than {limits.headers} headers. Send fewer."
    )
    return Problem(431, "head-too-large", detail, limit_bytes=limits.head_bytes, limit_headers=limits.headers)


def _too_many() -> Problem:
    detail = "Too many connections are open here. Use those you have for more than one request, and come again in a moment."
    return Problem(503, "too-many-connections", detail, headers=retry_after(1))
