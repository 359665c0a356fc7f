"""A program in a process of its own, its log read along, and sockets to speak to it as no client library would."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from shared.testing.wait import wait_until
from tests.benchmarks.processes import free_port

HOST = "127.0.0.1"


@dataclass
class Program:
    """A running program that listens on a port."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    @property
    def said(self) -> str:
        """Everything it has logged."""
        return self.log.read_text(encoding="utf-8")

    async def ended(self, timeout: float = 20) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(timeout):
            return await self.process.wait()

    async def ask(self, request: bytes) -> bytes:
        """What a new connection is answered to these bytes, until the other side ends it."""
        async with self.connection() as (reader, writer):
            writer.write(request)
            return await reader.read()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection of one's own."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@asynccontextmanager
async def program(
    module: str, folder: Path, *, port: int | None = None, ready: bool = True, **settings: object
) -> AsyncIterator[Program]:
    """`python -m module PORT`, ready (or at least listening); `settings` are its environment. Killed at the end, if it has not ended by itself."""
    port = port or free_port(1)
    log = folder / f"{module}.log"
    environment = os.environ | {name: str(value) for name, value in settings.items()}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(port), env=environment, stdout=output, stderr=output
        )
    running = Program(process, port, log)
    try:
        await wait_until(lambda: _ready(running, ready), timeout=60, what=f"{module} being ready")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ready(running: Program, ready: bool) -> bool:
    assert running.process.returncode is None, running.said
    if not ready:
        return ports.is_taken(HOST, running.port)
    return await ports.is_ready(HOST, running.port)
