"""Log and store in trouble: locked, slow, failing, full, away at start. The services wait, answer 503 where they must, and go on."""

import asyncio
from pathlib import Path

import pytest

from shared.testing.wait import wait_until
from tests.faults.fleet import SERVICES, Fleet
from tests.faults.homes import OneMachine
from tests.faults.trial import Trial, lasting, trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

LOCKS = {"for a moment": 2.0, "for longer than anybody waits for it": 13.0}


def _home(of: Trial) -> OneMachine:
    assert isinstance(of.fleet.home, OneMachine)
    return of.fleet.home


@pytest.mark.parametrize("how_long", LOCKS)
@pytest.mark.parametrize("file", ["log", "intake", "router"])
async def test_a_file_that_another_process_has_locked(small: Trial, file: str, how_long: str) -> None:
    name, since = f"the {'log' if file == 'log' else file + chr(39) + 's store'} locked {how_long}", len(small.ledger.submissions)

    async def locked() -> None:
        async with _home(small).locked(file):
            await lasting(LOCKS[how_long])

    async with small.load(clients=6, rate=40) as channels:
        await small.suffer(name, locked, channels)
    await small.verify(name, since=since)


@pytest.mark.parametrize("service", ["intake", "router"])
@pytest.mark.parametrize(("trouble", "fault"), [("slow", "delay:0.4"), ("failing", "error"), ("full", "disk-full")])
async def test_a_store_in_trouble(small: Trial, service: str, trouble: str, fault: str) -> None:
    name, since = f"the {service}'s store {trouble} for 3 s", len(small.ledger.submissions)
    await _armed_for_a_while(small, service, f"store.commit={fault}" + "@1" * (fault != "delay:0.4"), name)
    await small.verify(name, since=since)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_log_that_fails_to_write(small: Trial, service: str) -> None:
    name, since = f"the log failing under the {service}", len(small.ledger.submissions)
    await _armed_for_a_while(small, service, "log.commit=disk-full", name)
    await small.verify(name, since=since)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_process_that_can_write_to_no_file(small: Trial, service: str) -> None:
    """Its disk is full: what it has answered is safe, what it cannot store it does not answer, and it goes on by itself."""
    name, since = f"no room for the {service}'s files", len(small.ledger.submissions)

    async def full() -> None:
        small.fleet.fill_disk(service)
        await lasting(4)
        small.fleet.free_disk(service)

    async with small.load(clients=6, rate=40) as channels:
        await small.suffer(name, full, channels)
    await small.verify(name, since=since)


@pytest.mark.parametrize("what", ["log", "store"])
async def test_it_starts_while_something_is_away(tmp_path: Path, model: Path, what: str) -> None:
    """Intake takes messages in without a log; without a store it says 503 and takes them in once it is there."""
    in_the_way = [tmp_path / f"{name}.db" for name in (["log"] if what == "log" else SERVICES)]
    for path in in_the_way:
        path.mkdir()
    fleet = Fleet(OneMachine(tmp_path), model)
    async with trial(fleet, "pytest tests/faults/test_log_and_store.py", what, start=False) as running:
        await fleet.start()
        async with running.load(clients=4, rate=30) as channels:

            async def away() -> None:
                if what == "log":
                    await fleet.ready("intake")
                    await asyncio.wait_for(channels.one(), 30)
                await wait_until(lambda: all(fleet.pid(name) for name in SERVICES))
                await lasting(3)
                for path in in_the_way:
                    path.rmdir()

            await running.suffer(f"the {what} away at the start", away, channels)
        await running.verify(f"the {what} away at the start")


async def _armed_for_a_while(of: Trial, service: str, faults: str, name: str) -> None:
    async def trouble() -> None:
        for _ in range(6):
            of.fleet.arm(service, faults)
            await lasting(0.5)
        of.fleet.arm(service, "")

    async with of.load(clients=6, rate=40) as channels:
        await of.suffer(name, trouble, channels)
