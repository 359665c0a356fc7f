"""aiokafka's clients: started whole or not at all, ended in bounded time, their errors as ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiokafka.conn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.errors import LogUnavailable
from shared.observability import logging

_log = logging.get(__name__)
TROUBLE = (KafkaError, OSError, TimeoutError)
"""What a client raises when the cluster is in trouble."""
_STARTING_SECONDS, _ASKING_SECONDS, _LEAVING_SECONDS = 45.0, 60.0, 5.0


@contextmanager
def unavailable() -> Iterator[None]:
    """What the library raises is `LogUnavailable`."""
    try:
        yield
    except TROUBLE as error:
        raise LogUnavailable(f"Kafka: {error!r}") from error


@asynccontextmanager
async def connected(client: Any, stop: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[Any]:
    """A client for as long as the context is open, a minute at most. Raises `LogUnavailable`."""
    with unavailable():
        async with asyncio.timeout(_ASKING_SECONDS):
            try:
                await client.start()
                yield client
            finally:
                await _in_the_way(stop(), _LEAVING_SECONDS)


async def start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start it, in bounded time; a client that cannot be started leaves nothing behind."""
    try:
        async with asyncio.timeout(_STARTING_SECONDS):
            await client.start()
    except BaseException:
        await end(client)
        raise


async def end(client: AIOKafkaProducer | AIOKafkaConsumer, seconds: float = _LEAVING_SECONDS) -> None:
    """Let it finish what it does, and end it. One that does not come to its end in this time is given up; what it was about to
    send is not sent then, and the brokers find out by its session."""
    if await _in_the_way(client.stop(), seconds):
        await give_up(client)


async def give_up(client: Any) -> None:
    """Take it apart where its `stop` may wait for what never comes: nothing of it is sent any more. The library knows no
    harder way to end a client."""
    for part in _parts(client):
        if reason := await _in_the_way(part.close(), _LEAVING_SECONDS):
            _log.warning("kafka_client_given_up", reason=reason)


async def _in_the_way(ending: Coroutine[Any, Any, None], seconds: float) -> str | None:
    """What kept this from its end within these seconds; None: nothing. In a task of its own, since the library cancels tasks,
    awaits them, and then looks cancelled itself."""
    task = asyncio.create_task(ending)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        return f"no end in {seconds} s"
    if task.cancelled():
        return "cancelled by itself"
    return repr(error) if (error := task.exception()) else None


def _parts(client: Any) -> list[Any]:
    """What of it is at work."""
    parts: list[Any]
    if isinstance(client, AIOKafkaProducer):
        parts = [client._sender, client.client]
    else:
        parts = [client._fetcher, client._client]
        if isinstance(client._coordinator, GroupCoordinator):
            client._coordinator.reset_generation()  # its heartbeat ends with its membership
    return [part for part in parts if part]  # one that never came to its start lacks some


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    """A connection that says so when it is lost.

    uvloop refuses to write to a closed transport with a RuntimeError, which the library does not expect (aiokafka #1038): it
    ended whichever of a client's tasks was about to write, among them the one that learns where partitions are."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """As the library's. Raises `KafkaConnectionError`."""
        if self._writer is not None and self._writer.is_closing():
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"the connection to {self.host}:{self.port} is lost")
        return super().send(request, expect_response=expect_response)


aiokafka.conn.AIOKafkaConnection = _Connection  # every client's connections are made under this name
