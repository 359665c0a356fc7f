"""aiokafka's clients: started whole or not at all, ended in bounded time, their errors as ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.errors import LogUnavailable
from shared.observability import logging

_log = logging.get(__name__)
TROUBLE = (KafkaError, OSError, TimeoutError)
"""What a client raises when the cluster is in trouble."""
_LEAVING_SECONDS = 5.0


@contextmanager
def unavailable() -> Iterator[None]:
    """What the library raises is `LogUnavailable`."""
    try:
        yield
    except TROUBLE as error:
        raise LogUnavailable(f"Kafka: {error!r}") from error


@asynccontextmanager
async def connected(client: Any, end: Callable[[], Awaitable[None]]) -> AsyncIterator[Any]:
    """A client for as long as the context is open. Raises `LogUnavailable`."""
    with unavailable():
        try:
            await client.start()
            yield client
        finally:
            await end()


async def start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start it; a client that cannot be started leaves nothing behind."""
    try:
        await client.start()
    except BaseException:
        await client.stop()
        raise


async def leave(consumer: AIOKafkaConsumer) -> None:
    """Leave its group and end it. A client that waits for what never comes is given up; the brokers find out by its session."""
    try:
        async with asyncio.timeout(_LEAVING_SECONDS):
            await consumer.stop()
    except TROUBLE:
        await _give_up(consumer)


async def _give_up(consumer: Any) -> None:
    """What its `stop` did not come to; the library knows no harder way to end a client."""
    consumer._coordinator.reset_generation()  # its heartbeat ends with its membership
    for part in (consumer._fetcher, consumer._client):
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await part.close()
        except Exception as error:
            _log.warning("kafka_client_given_up", reason=repr(error))
