"""The real Apache Kafka as child processes: one broker or a cluster, to use, kill and restart.

Needs Java 17 and Maven; the jars come once into `.kafka/` of the checkout. Blocking: from a coroutine go through
`asyncio.to_thread`.
"""

import hashlib
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from tests.support.server import Server

_POM = Path(__file__).parent / "kafka" / "pom.xml"
_CACHE = Path(__file__).parents[2] / ".kafka"
_PORTS = (15_000, 32_000)

# Fail over in two to three seconds instead of eight to twelve.
_QUICK_FAILOVER = {
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 400,
    "controller.quorum.fetch.timeout.ms": 1000,
    "controller.quorum.election.timeout.ms": 500,
}


def why_not() -> str | None:
    """Why Kafka cannot be started on this machine; None when it can."""
    missing = [command for command in ("java", "mvn") if shutil.which(command) is None]
    return f"Apache Kafka needs Java 17 and Maven; missing: {', '.join(missing)}" if missing else None


def jars() -> Path:
    """The folder with Kafka's jars, fetched with Maven when this `pom.xml` has not been seen before."""
    folder = _CACHE / f"jars-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        _CACHE.mkdir(exist_ok=True)
        fetched = Path(tempfile.mkdtemp(dir=_CACHE))
        command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        _run(command, timeout=600)
        try:
            fetched.rename(folder)  # whole or not at all, also when two runs fetch at once
        except OSError:
            shutil.rmtree(fetched)
    return folder


class Broker(Server):
    """One node, broker and controller at once. Its data and ports stay the same over restarts."""

    def __init__(self, node: int, folder: Path) -> None:
        super().__init__(f"Kafka node {node}", folder)
        self.node = node
        self.port, self.controller_port = free_ports(2)

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; `wait_ready` says when it serves."""
        memory = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        self._launch(["java", *memory, "-cp", f"{jars()}/*", "kafka.Kafka", self._settings])

    def wait_ready(self) -> None:
        """Return when the broker serves clients. Raises `RuntimeError` with the end of its log when it will not."""
        self._said(rb"Kafka Server started")

    def restart(self) -> None:
        """Start again on the same data and ports, and wait till it serves."""
        self.stop()
        self.start()
        self.wait_ready()

    def format(self, cluster_id: str, settings: Mapping[str, object]) -> None:
        """Write the settings and prepare the data folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        Path(self._settings).write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        _run(
            ["java", "-cp", f"{jars()}/*", "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", self._settings],
            timeout=60,
        )

    @property
    def _settings(self) -> str:
        return str(self.folder / "server.properties")


class KafkaCluster:
    """Brokers that know each other. A context: formatted and started on entering, stopped on leaving."""

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        self.brokers = [Broker(node, folder / f"node-{node}") for node in range(1, nodes + 1)]

    @property
    def url(self) -> str:
        """The value of `YIJIAN_LOG` for this cluster."""
        return "kafka://" + ",".join(broker.address for broker in self.brokers)

    def __enter__(self) -> Self:
        self.format()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def format(self) -> None:
        """Prepare every node's data folder; needed once, before the first start."""
        cluster_id = uuid4().hex[:22]
        for broker in self.brokers:
            broker.format(cluster_id, self._settings(broker))

    def start(self) -> None:
        """Start all nodes and wait till they serve."""
        for broker in self.brokers:
            broker.start()
        for broker in self.brokers:
            broker.wait_ready()

    def stop(self) -> None:
        """Shut all nodes down in order."""
        for broker in self.brokers:
            broker.stop()

    def _settings(self, broker: Broker) -> dict[str, object]:
        copies = min(3, len(self.brokers))
        voters = ",".join(f"{other.node}@127.0.0.1:{other.controller_port}" for other in self.brokers)
        return {
            "process.roles": "broker,controller",
            "node.id": broker.node,
            "listeners": f"PLAINTEXT://{broker.address},CONTROLLER://127.0.0.1:{broker.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{broker.address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.quorum.voters": voters,
            "log.dirs": broker.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 500,
            **_QUICK_FAILOVER,
        }


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 nobody listens on now, all different.

    Below those that the system gives to outgoing connections: a client that tries a dead server's port again and again would
    one day get that port as its own, be connected with itself, and keep the server from coming back.
    """
    chance, found = random.SystemRandom(), set[int]()
    while len(found) < count:
        port = chance.randrange(*_PORTS)
        if port not in found and _is_free(port):
            found.add(port)
    return list(found)


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _run(command: list[str], timeout: float) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
