"""What the log's contract tests say often."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from shared.clock import monotonic
from shared.log import Consumer, Partition, Received, Record

PATIENCE = 30.0
"""Seconds until something that has to come is missing."""


def records(topic: str, *values: str, key: str = "case-1") -> list[Record]:
    return [Record(topic, key, value.encode()) for value in values]


def values(received: Iterable[Received]) -> list[str]:
    return [record.value.decode() for record in received]


def following(received: Iterable[Received]) -> dict[Partition, int]:
    """The offsets to commit after handling these."""
    return {record.partition: record.offset + 1 for record in received}


async def read(consumer: Consumer, count: int, limit: int = 500) -> list[Received]:
    """Poll until at least this many have come."""
    deadline = monotonic() + PATIENCE
    received: list[Received] = []
    while len(received) < count:
        assert monotonic() < deadline, f"{len(received)} of {count} records came"
        received += await consumer.poll(limit, 0.5)
    return received


async def hold(consumers: Sequence[Consumer], partitions: int) -> None:
    """Poll all members until each has its fair share of this many partitions."""
    fair = {partitions // len(consumers), -(-partitions // len(consumers))}
    deadline = monotonic() + PATIENCE
    while sum(held := [len(consumer.assigned()) for consumer in consumers]) != partitions or not fair.issuperset(held):
        assert monotonic() < deadline, f"members hold {held} of {partitions} partitions"
        assert not any(await asyncio.gather(*(consumer.poll(1, 0.2) for consumer in consumers)))


@asynccontextmanager
async def child(module: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of this folder's programs in a process of its own, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.contract.log.{module}",
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line the program prints."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()


async def ask(process: asyncio.subprocess.Process, command: str) -> str:
    """Tell the program to do something; what it answers."""
    assert process.stdin is not None
    process.stdin.write(f"{command}\n".encode())
    await process.stdin.drain()
    return await line(process)
