"""The load generator, a process of its own: keep-alive connections that send prepared requests and read answers.

It parses no more of an answer than its status and length while it measures, so that it takes little of the machine it
shares with what it measures. `python -m tests.benchmarks.load PLAN` prints the `Result`; both are JSON.
"""

import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop

from tests.benchmarks.bodies import bodies


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send where."""

    port: int
    series: str
    """Two plans of one series post the same messages."""
    messages: int
    key: str = "none"
    batch: int = 1
    """Messages a request; more than one goes to the batch route."""
    clients: int = 64
    rate: float | None = None
    """Messages offered a second, whatever the answers; None: each client sends when it has its answer."""
    answers: str | None = None
    """File for `{message id: when it was answered}` (seconds since the epoch)."""


@dataclass(slots=True)
class Result:
    """How it went."""

    messages: int
    began: float
    """Seconds since the epoch."""
    seconds: float
    statuses: dict[str, int]
    percentiles: dict[str, float]
    """Of a request's latency, in milliseconds; with a rate from when it was due."""
    accepted: dict[str, float] = field(default_factory=dict)
    """The same, of those that were answered 2xx."""
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.rate = self.messages / self.seconds


@dataclass(slots=True)
class _Work:
    """The requests and what came of them, shared by all clients."""

    requests: Sequence[bytes]
    keep: bool
    next: int = 0
    due: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[float, bytes]] = field(default_factory=list)
    idle: "deque[_Client]" = field(default_factory=deque)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, started: float, status: bytes, body: bytes) -> None:
        self.latencies.append(time.perf_counter() - started)
        self.statuses[status.decode()] += 1
        if status.startswith(b"2"):
            self.accepted.append(self.latencies[-1])
        if self.keep:
            self.answers.append((time.time(), body))
        if len(self.latencies) == len(self.requests):
            self.done.set()

    def feed(self, client: "_Client") -> None:
        """Give the client its next request, if one is due."""
        if self.next >= len(self.requests):
            return
        now = time.perf_counter()
        started = self.due[self.next] if self.due else now
        if started > now:
            self.idle.append(client)
            return
        client.send(self.requests[self.next], started)
        self.next += 1

    def tick(self) -> None:
        """Give what has become due to those who wait."""
        for _ in range(len(self.idle)):
            self.feed(self.idle.popleft())


class _Client(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._buffer = b""
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def send(self, request: bytes, started: float) -> None:
        self._started = started
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().find(b"content-length: ", 0, head) + 16
        end = head + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) >= end:
            answer, self._buffer = self._buffer, b""
            self._work.answered(self._started, answer[9:12], answer[head + 4 : end])
            self._work.feed(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._work.done.is_set():
            raise ConnectionError(f"the server closed a connection: {error}")


async def run(plan: Plan) -> Result:
    """Carry a plan out in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.load", orjson.dumps(asdict(plan)).decode(), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator failed: {plan}")
    told = orjson.loads(output)
    told.pop("rate")
    return Result(**told)


async def _carry_out(plan: Plan) -> Result:
    work = _Work(_requests(plan), keep=plan.answers is not None)
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: _Client(work), "127.0.0.1", plan.port))[1] for _ in range(plan.clients)]
    began, started = time.time(), time.perf_counter()
    if plan.rate:
        work.due = [started + number * plan.batch / plan.rate for number in range(len(work.requests))]
        _keep_ticking(loop, work)
    for client in clients:
        work.feed(client)
    await work.done.wait()
    seconds = time.perf_counter() - started
    if plan.answers:
        Path(plan.answers).write_bytes(orjson.dumps(_answer_times(work.answers)))
    return Result(plan.messages, began, seconds, dict(work.statuses), _percentiles(work.latencies), _percentiles(work.accepted))


def _keep_ticking(loop: asyncio.AbstractEventLoop, work: _Work) -> None:
    work.tick()
    if not work.done.is_set():
        loop.call_later(0.001, _keep_ticking, loop, work)


def _requests(plan: Plan) -> list[bytes]:
    messages = list(bodies(plan.series, plan.messages))
    if plan.batch == 1:
        return [_request("/v1/messages", plan.key, message) for message in messages]
    parts = [messages[start : start + plan.batch] for start in range(0, len(messages), plan.batch)]
    return [_request("/v1/messages:batch", plan.key, part) for part in parts]


def _request(path: str, key: str, content: Any) -> bytes:
    body = orjson.dumps(content)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _answer_times(answers: Sequence[tuple[float, bytes]]) -> dict[str, float]:
    """When each message was answered."""
    times: dict[str, float] = {}
    for at, body in answers:
        told = orjson.loads(body)
        times.update((one["id"], at) for one in told.get("results", [told]) if "id" in one)
    return times


def _percentiles(latencies: Sequence[float]) -> dict[str, float]:
    ordered = sorted(latencies) or [0.0]
    return {name: round(quantile(ordered, share) * 1000, 2) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of sorted values does not pass."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    print(orjson.dumps(asdict(uvloop.run(_carry_out(Plan(**orjson.loads(sys.argv[1])))))).decode())
