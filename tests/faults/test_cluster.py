"""The cluster home: three real brokers and the store's server, killed while messages flow."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.fleet import SERVICES, Fleet
from tests.faults.homes import Cluster
from tests.faults.trial import Trial, lasting, trial
from tests.support.fixtures_kafka import need_kafka
from tests.support.fixtures_mongo import need_secantusdb

pytestmark = [
    pytest.mark.trial,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.mongo,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, model: Path, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    """A running cluster that the module's tests break one after the other."""
    need_kafka()
    need_secantusdb()
    home = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        await home.start()
        async with trial(Fleet(home, model), f"pytest {request.node.nodeid}", "cluster") as running:
            yield running
    finally:
        await home.stop()


def _home(of: Trial) -> Cluster:
    assert isinstance(of.fleet.home, Cluster)
    return of.fleet.home


async def _suffer(
    of: Trial, name: str, fault: Callable[[], Awaitable[None]], heal: Callable[[], Awaitable[None]] | None = None
) -> None:  # fmt: skip
    since = len(of.ledger.submissions)
    async with of.load(clients=6, rate=12) as channels:
        await of.flows(channels)
        await of.suffer(name, fault, channels)
        if heal:
            await heal()
            await of.flows(channels)
    await of.verify(name, since=since)


@pytest.mark.parametrize("which", ["a broker", "the leader of a partition", "the controller"])
async def test_a_broker_of_the_three_is_killed(cluster: Trial, which: str) -> None:
    home = _home(cluster)
    if which == "the leader of a partition":
        broker = await home.leader("yijian.messages", 0)
    else:
        broker = home.controller() if which == "the controller" else home.kafka.brokers[0]

    async def killed() -> None:
        await home.kill_broker(broker)

    await _suffer(cluster, f"kill -9 of {which}, of three brokers", killed, lambda: home.back(broker))


@pytest.mark.parametrize("seconds", [5, 50], ids=["for a while", "for longer than the producer waits"])
async def test_the_log_is_away(cluster: Trial, seconds: float) -> None:
    """50 s are longer than a producer's request may take (40 s)."""

    async def away() -> None:
        await _home(cluster).kill_log()
        await lasting(seconds)
        await _home(cluster).start_log()

    await _suffer(cluster, f"all three brokers away for {seconds} s", away)


async def test_the_log_is_away_at_the_start(cluster: Trial) -> None:
    await cluster.fleet.stop()
    await _home(cluster).kill_log()
    await cluster.fleet.start()
    await cluster.fleet.ready("intake")

    async def away() -> None:
        await lasting(5)
        await _home(cluster).start_log()

    async with cluster.load(clients=4, rate=12) as channels:
        await channels.one()
        await cluster.suffer("all three brokers away at the start", away, channels)
    await cluster.verify("all three brokers away at the start")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_the_stores_server_goes_and_comes_back(cluster: Trial, how: signal.Signals) -> None:
    async def away() -> None:
        await _home(cluster).restart_store(how, 3)

    await _suffer(cluster, f"the store's server gets {how.name}, away for 3 s", away)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_killed(cluster: Trial, service: str) -> None:
    async def killed() -> None:
        cluster.fleet.kill(service)

    await _suffer(cluster, f"kill -9 of the {service}", killed)
