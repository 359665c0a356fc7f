"""`kill -9` at every named point of every service: nothing that was answered is lost, nothing takes effect twice."""

import pytest

from shared.testing.wait import wait_until
from tests.faults.points import ALL, BESIDE_INTAKE
from tests.faults.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.trial, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(("service", "point"), ALL, ids=[f"{service}-{point}" for service, point in ALL])
async def test_a_service_killed_at_a_point_loses_and_doubles_nothing(small: Trial, service: str, point: str) -> None:
    since, starts = len(small.ledger.submissions), small.fleet.starts(service)
    helper = small.fleet.helper()

    async def killed() -> None:
        small.fleet.arm(service, f"{point}=kill@2")
        if service == "intake" and point in BESIDE_INTAKE:
            await wait_until(
                lambda: small.fleet.helper() not in {helper, None}, timeout=30, what="the preparing process being killed"
            )
        else:
            await wait_until(lambda: small.fleet.starts(service) > starts, timeout=30, what=f"{service} being killed at {point}")

    async with small.load(clients=6, rate=60) as channels:
        await small.suffer(f"kill -9 of the {service} at {point}", killed, channels)
    await small.verify(f"kill -9 of the {service} at {point}", since=since)
