"""Services that die, hang, are stopped or have a second copy."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.testing.wait import wait_until
from tests.faults.fleet import SERVICES, Fleet
from tests.faults.homes import OneMachine
from tests.faults.trial import Trial, lasting, trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_under_load_loses_and_doubles_nothing(small: Trial, service: str) -> None:
    since = len(small.ledger.submissions)

    async def killed() -> None:
        small.fleet.kill(service)

    async with small.load(clients=8, rate=80) as channels:
        await small.suffer(f"kill -9 of the {service}", killed, channels)
    await small.verify(f"kill -9 of the {service}", since=since)


async def test_a_preparing_process_killed_under_load_loses_and_doubles_nothing(small: Trial) -> None:
    since, before = len(small.ledger.submissions), small.fleet.helper()

    async def killed() -> None:
        assert before
        os.kill(before, signal.SIGKILL)
        await wait_until(lambda: small.fleet.helper() not in {before, None}, timeout=30, what="another preparing process")

    async with small.load(clients=8, rate=80) as channels:
        await small.suffer("kill -9 of the preparing process", killed, channels)
    await small.verify("kill -9 of the preparing process", since=since)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_told_to_stop_under_full_load_ends_with_0_and_loses_nothing(small: Trial, service: str) -> None:
    since, said = len(small.ledger.submissions), len(small.fleet.said)

    async def stopped() -> None:
        small.fleet.kill(service, signal.SIGTERM)
        await wait_until(lambda: any(line.startswith(f"{service} started") for line in small.fleet.said[said:]), timeout=30)

    async with small.load(clients=16, rate=400) as channels:
        await small.suffer(f"SIGTERM to the {service} under full load", stopped, channels)
    assert [line for line in small.fleet.said[said:] if line.startswith(f"{service} died with exit code 0")]
    await small.verify(f"SIGTERM to the {service} under full load", since=since)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def double(tmp_path_factory: pytest.TempPathFactory, model: Path, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    """Two copies of every service on one log and one store."""
    names = [f"{service}{copy}" for service in SERVICES for copy in ("", "-2")]
    fleet = Fleet(OneMachine(tmp_path_factory.mktemp("double")), model, names)
    async with trial(fleet, f"pytest {request.node.nodeid}", "double") as running:
        yield running


@pytest.mark.parametrize("service", SERVICES)
async def test_of_two_copies_of_every_service_one_dies(double: Trial, service: str) -> None:
    since = len(double.ledger.submissions)

    async def died() -> None:
        await double.fleet.remove(f"{service}-2")

    async with double.load(clients=8, rate=60) as channels:
        await double.flows(channels)
        await double.suffer(f"one of two copies of the {service} dies", died, channels)
        await double.fleet.start(f"{service}-2")
        await double.fleet.ready(f"{service}-2")
        await double.flows(channels)
    await double.verify(f"one of two copies of the {service} dies", since=since)


@pytest.mark.parametrize("service", ["classifier", "router"])
async def test_a_copy_that_hangs_longer_than_its_lease_comes_back_and_harms_nothing(double: Trial, service: str) -> None:
    """It wakes up with a batch in its hands that the other copy has handled meanwhile."""
    since = len(double.ledger.submissions)

    async def hung() -> None:
        double.fleet.kill(f"{service}-2", signal.SIGSTOP)
        try:
            await lasting(12)
        finally:
            double.fleet.kill(f"{service}-2", signal.SIGCONT)

    async with double.load(clients=4, rate=30) as channels:
        await double.suffer(f"one of two copies of the {service} hangs for 12 s", hung, channels)
    await double.verify(f"one of two copies of the {service} hangs for 12 s", since=since)
