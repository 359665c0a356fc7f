"""The homes a log can live in: every contract test runs in each of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from shared.log import Log, TopicSpec, open_log
from shared.log.sqlite_schema import LOG, Database, fetch_all, row_id
from tests.support.kafka_server import KafkaCluster


class Home:
    """Where the log under test lives; logs it opens are closed after the test."""

    def __init__(self, url: str, kind: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.kind = kind
        self._stack = stack

    def open(self, url: str | None = None) -> Log:
        log = open_log(url or self.url)
        self._stack.push_async_callback(log.close)
        return log

    async def topic(self, partitions: int = 4, retention_hours: float = 720) -> str:
        """A new topic with a name of its own."""
        name = f"test.{uuid4().hex}"
        assert await self.open().apply_topics([TopicSpec(name, partitions, retention_hours)]) == [name]
        return name

    async def publish_foreign(self, topic: str) -> None:
        """A record that others wrote: no key, and (where the log can hold them) headers that are no text."""
        if self.kind == "kafka":
            await _publish_foreign_kafka(self.url, topic)
        else:
            await asyncio.to_thread(_publish_foreign_sqlite, Path(self.url.removeprefix("sqlite:///")), topic)


async def _publish_foreign_kafka(url: str, topic: str) -> None:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=url.removeprefix("kafka://")) as producer:
        await producer.send_and_wait(topic, b"foreign", headers=[("binary", b"\xff\xfe"), ("text", b"plain")])


def _publish_foreign_sqlite(path: Path, topic: str) -> None:
    database = Database(path, LOG)
    with database.write() as connection:
        where = "SELECT id, next_offset FROM partitions WHERE topic = ?"
        partition, offset = fetch_all(connection, where, (topic,))[0]
        connection.execute("UPDATE partitions SET next_offset = next_offset + 1 WHERE id = ?", (partition,))
        row = (row_id(partition, offset), b'{"text": "plain"}', b"foreign")
        connection.execute("INSERT INTO records (id, published_at, headers, value) VALUES (?, 0, ?, ?)", row)
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    if request.param == "kafka":
        cluster: KafkaCluster = request.getfixturevalue("kafka")
        url = cluster.url
    else:
        url = f"sqlite:///{tmp_path}/deep/er/log.db"
    async with AsyncExitStack() as stack:
        yield Home(url, request.param, stack)


@pytest.fixture
def log(home: Home) -> Log:
    return home.open()


class Away(Protocol):
    """A log that cannot be used until `come_back`."""

    url: str

    async def come_back(self) -> None: ...


class _SqliteAway:
    """Its folder is a file."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/away/log.db"
        self._obstacle = folder / "away"
        self._obstacle.write_text("not a folder")

    async def come_back(self) -> None:
        self._obstacle.unlink()


class _KafkaAway:
    """Its broker has not been started."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self.url = cluster.url
        self._cluster = cluster

    async def come_back(self) -> None:
        await asyncio.to_thread(self._cluster.start)


@pytest.fixture
def away(home: Home, tmp_path: Path, request: pytest.FixtureRequest) -> Away:
    return _KafkaAway(request.getfixturevalue("sleeping_kafka")) if home.kind == "kafka" else _SqliteAway(tmp_path)
