"""The two homes in which the system is broken: SQLite on one machine, and three Kafka brokers with a MongoDB-wire server."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import apsw
from aiokafka.admin import AIOKafkaAdminClient

from shared.runtime import wait_for
from tests.support.fixtures_mongo import MongoProcess
from tests.support.kafka_server import Broker, KafkaCluster

Kind: TypeAlias = Literal["one-machine", "cluster"]


class OneMachine:
    """Files in a folder; what is away here is locked by another process, or its disk is full."""

    kind: Kind = "one-machine"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = f"sqlite:////{folder}/log.db"
        self.store = f"sqlite:////{folder}/"

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[None]:
        """Another process has the file's write lock: `log`, `intake`, `router` or `classifier`."""
        connection = apsw.Connection(str(self.folder / f"{name}.db"))
        connection.set_busy_timeout(20_000)
        await asyncio.to_thread(lambda: connection.execute("BEGIN IMMEDIATE").fetchall())
        try:
            yield
        finally:
            connection.execute("ROLLBACK").fetchall()
            connection.close()

    async def stop(self) -> None:
        """Nothing runs here."""


class Cluster:
    """Three brokers and a store's server, as child processes."""

    kind: Kind = "cluster"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "mongo").mkdir(parents=True)
        self.kafka = KafkaCluster(folder / "kafka", nodes=3)
        self.mongo = MongoProcess(folder / "mongo")

    async def start(self) -> None:
        """Format and start everything; it serves when this returns."""
        await asyncio.gather(asyncio.to_thread(self._start_kafka), asyncio.to_thread(self.mongo.start))

    async def stop(self) -> None:
        """Stop everything."""
        await asyncio.to_thread(self._stop)

    @property
    def log(self) -> str:
        """The log's URL."""
        return self.kafka.url

    @property
    def store(self) -> str:
        """The store's URL."""
        return self.mongo.url

    def controller(self) -> Broker:
        """The node that leads the quorum, as the other nodes' files have it."""
        told = list(self.folder.glob("kafka/node-*/data/__cluster_metadata-0/quorum-state"))
        latest = max((json.loads(path.read_text()) for path in told), key=lambda state: state["leaderEpoch"])
        return next(broker for broker in self.kafka.brokers if broker.node == latest["leaderId"])

    async def leader(self, topic: str, partition: int) -> Broker:
        """The broker that writes this partition."""
        client = AIOKafkaAdminClient(bootstrap_servers=[broker.address for broker in self.kafka.brokers])
        await client.start()
        try:
            (told,) = await client.describe_topics([topic])
        finally:
            await client.close()
        leads = next(one["leader"] for one in told["partitions"] if one["partition"] == partition)
        return next(broker for broker in self.kafka.brokers if broker.node == leads)

    async def back(self, broker: Broker) -> None:
        """Start a broker that was killed."""
        await asyncio.to_thread(broker.restart)

    async def kill_broker(self, broker: Broker) -> None:
        """`kill -9`; it stays away until it is brought back."""
        await asyncio.to_thread(broker.kill)

    async def restart_store(self, how: signal.Signals, seconds: float) -> None:
        """End the store's server, and start it again after a while."""
        await asyncio.to_thread(self.mongo.kill if how == signal.SIGKILL else self.mongo.stop)
        await wait_for(asyncio.Event(), seconds)
        await asyncio.to_thread(self.mongo.start)

    async def kill_log(self) -> None:
        """All brokers at once."""
        await asyncio.gather(*(asyncio.to_thread(broker.kill) for broker in self.kafka.brokers))

    async def start_log(self) -> None:
        """All brokers again."""
        await asyncio.to_thread(self.kafka.start)

    def _start_kafka(self) -> None:
        self.kafka.format()
        self.kafka.start()

    def _stop(self) -> None:
        self.mongo.stop()
        for broker in self.kafka.brokers:
            broker.kill()  # nobody needs its data any more


Home: TypeAlias = OneMachine | Cluster
