"""The processes that are measured: the services, and what they are compared with, each in a home of its own."""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from deploy.local import ports
from deploy.local.supervisor import ALLOCATOR
from shared.clock import monotonic
from shared.http.auth import KeyFile
from shared.testing.wait import wait_until
from tests.benchmarks.bodies import PACK

_HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is measured, with the helper it may have."""

    name: str
    pid: int
    port: int

    def rss(self) -> float:
        """Resident memory, in MB, with what its helper has of its own (`Pss` shares out what several map)."""
        lines = [line for pid in self._family() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
        return round(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 1)

    def cpu(self) -> float:
        """Seconds of processor time so far, its helper's too."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._family()]
        return sum(int(each[11]) + int(each[12]) for each in fields) / _TICKS

    def _family(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder with its ports and a key for each role."""

    data: Path
    port: int
    channel: str
    operator: str

    def environment(self) -> dict[str, str]:
        """What a service is told, as `yijian up` does it."""
        told = {"DATA": self.data, "PORT": self.port, "PACK": PACK, "LOG_LEVEL": "warning", "KEY_RATE": 1e6}
        return os.environ | ALLOCATOR | {f"YIJIAN_{name}": str(value) for name, value in told.items()}


@contextmanager
def home() -> Iterator[Home]:
    """A home that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="yijian-bench-") as folder:
        keys = KeyFile(Path(folder) / "keys.json")
        yield Home(Path(folder), free_port(4), keys.add("channel", "channel"), keys.add("operator", "operator"))


def free_port(count: int = 1) -> int:
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = random.randrange(20_000, 32_000)
        if not any(ports.is_taken(_HOST, port) for port in range(first, first + count)):
            return first


@asynccontextmanager
async def service(name: str, where: Home, **settings: object) -> AsyncIterator[Running]:
    """`python -m services.<name>` in this home, ready; settings by their names."""
    port = where.port + ports.OFFSETS[name]
    environment = where.environment() | {f"YIJIAN_{name.upper()}": str(value) for name, value in settings.items()}
    async with _process(name, (f"services.{name}",), port, environment) as running:
        yield running


@asynccontextmanager
async def twin() -> AsyncIterator[Running]:
    """Intake's bare twin, ready."""
    port = free_port()
    async with _process("twin", ("tests.benchmarks.twin", str(port)), port, dict(os.environ)) as running:
        yield running


@asynccontextmanager
async def _process(name: str, command: tuple[str, ...], port: int, environment: dict[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environment)
    try:
        await wait_until(lambda: _is_ready(process, port), timeout=60, what=f"{name} being ready")
        yield Running(name, process.pid, port)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_ready(process: asyncio.subprocess.Process, port: int) -> bool:
    if process.returncode is not None:
        raise RuntimeError(f"it ended with {process.returncode} instead of starting")
    return await ports.is_ready(_HOST, port)


async def quiet(*processes: Running, timeout: float = 300) -> None:
    """Wait until these have next to nothing left to do, so that they do not disturb what is measured next."""
    seen = [(monotonic(), sum(one.cpu() for one in processes))]

    def is_quiet() -> bool:
        at, used = seen[-1]
        if monotonic() - at < 0.5:
            return False
        seen.append((monotonic(), sum(one.cpu() for one in processes)))
        return seen[-1][1] - used < 0.12 * (seen[-1][0] - at)

    await wait_until(is_quiet, timeout=timeout, what="the services being done")


async def get(running: Running, path: str, key: str) -> dict[str, Any]:
    """A service's JSON answer to a GET."""
    reader, writer = await asyncio.open_connection(_HOST, running.port)
    try:
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer: dict[str, Any] = orjson.loads((await reader.read()).partition(b"\r\n\r\n")[2])
        return answer
    finally:
        writer.close()


async def child(module: str, *arguments: str) -> dict[str, Any]:
    """What `python -m module` prints as JSON."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed")
    answer: dict[str, Any] = orjson.loads(output)
    return answer
