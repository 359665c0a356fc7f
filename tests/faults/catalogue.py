"""The faults that a long run draws from, each as an action on a running trial. A fault ends by itself; what heals it is part of it."""

import os
import random
import signal
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from shared.events.catalog import CASES, CLASSIFIED, MESSAGES
from shared.testing.wait import wait_until
from tests.faults.fleet import SERVICES
from tests.faults.homes import Cluster, OneMachine
from tests.faults.points import ONLY_SQLITE, POINTS
from tests.faults.records import publish_again
from tests.faults.trial import Trial, lasting
from tests.support.kafka_server import Broker

Fault: TypeAlias = tuple[str, Callable[[], Awaitable[None]]]
"""What it is called, and what does it."""
_POINT_SECONDS = 5.0


def draw(of: Trial, chance: random.Random, *, long: bool) -> Fault:
    """The next fault."""
    common = [kill, kill_at_point, kill_at_point, kill_helper, stop, store_fails, store_slow, clock_back, again, hang]
    own = [lock, lock, fill] if isinstance(of.fleet.home, OneMachine) else [broker, broker, all_brokers, store_away]
    return chance.choice(common + own)(of, chance, long)


def kill(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Kill a service."""
    service = chance.choice(SERVICES)

    async def act() -> None:
        of.fleet.kill(service)

    return f"kill -9 of the {service}", act


def kill_at_point(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Kill a service at one of its points, if it comes by there soon."""
    service = chance.choice(SERVICES)
    points = [one for one in POINTS[service] if isinstance(of.fleet.home, OneMachine) or one not in ONLY_SQLITE]
    point, at = chance.choice(points), chance.randrange(1, 4)

    async def act() -> None:
        of.fleet.arm(service, f"{point}=kill@{at}")
        try:
            await wait_until(lambda: not of.fleet.armed(service), timeout=_POINT_SECONDS)
        except AssertionError:
            of.fleet.arm(service, "")  # nobody came by

    return f"kill -9 of the {service} at {point}, passing {at}", act


def kill_helper(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Kill the preparing process."""

    async def act() -> None:
        if pid := of.fleet.helper():
            os.kill(pid, signal.SIGKILL)

    return "kill -9 of the preparing process", act


def stop(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Ask a service to stop."""
    service = chance.choice(SERVICES)

    async def act() -> None:
        of.fleet.kill(service, signal.SIGTERM)

    return f"SIGTERM to the {service}", act


def hang(of: Trial, chance: random.Random, long: bool) -> Fault:
    """A process that does nothing for a while, in the long form also for longer than its lease."""
    service, seconds = chance.choice(SERVICES), chance.choice((1.0, 3.0, 12.0) if long else (1.0, 3.0))

    async def act() -> None:
        of.fleet.kill(service, signal.SIGSTOP)
        await lasting(seconds)
        of.fleet.kill(service, signal.SIGCONT)

    return f"the {service} hangs for {seconds:g} s", act


def store_fails(of: Trial, chance: random.Random, long: bool) -> Fault:
    """A service's store refuses everything for a second or two."""
    service, kind = chance.choice(("intake", "router")), chance.choice(("error", "disk-full"))
    return f"the {service}'s store: {kind} for 2 s", _armed(of, service, f"store.commit={kind}")


def store_slow(of: Trial, chance: random.Random, long: bool) -> Fault:
    """A service's store takes its time."""
    service = chance.choice(("intake", "router"))
    return f"the {service}'s store slow for 2 s", _armed(of, service, "store.commit=delay:0.3")


def clock_back(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Everybody's clock is an hour late for two seconds."""

    async def act() -> None:
        of.fleet.set_clock(-3600)
        await lasting(2)
        of.fleet.set_clock(0)

    return "the clock steps back an hour, and forward again", act


def again(of: Trial, chance: random.Random, long: bool) -> Fault:
    """The log delivers its last records five times."""
    topic = chance.choice((MESSAGES, CLASSIFIED, CASES))

    async def act() -> None:
        await publish_again(of, topic, times=5, last=50)

    return f"the last records of {topic} delivered five times", act


def lock(of: Trial, chance: random.Random, long: bool) -> Fault:
    """Another process has a file's lock, in the long form sometimes for longer than anybody waits."""
    home, file = of.fleet.home, chance.choice(("log", "intake", "router"))
    seconds = chance.choice((1.0, 2.0, 4.0, 12.0) if long else (1.0, 2.0))
    assert isinstance(home, OneMachine)

    async def act() -> None:
        async with home.locked(file):
            await lasting(seconds)

    return f"{file}.db locked for {seconds:g} s", act


def fill(of: Trial, chance: random.Random, long: bool) -> Fault:
    """A process can make no file larger."""
    service = chance.choice(SERVICES)

    async def act() -> None:
        of.fleet.fill_disk(service)
        await lasting(2)
        of.fleet.free_disk(service)

    return f"no room for the {service}'s files for 2 s", act


def broker(of: Trial, chance: random.Random, long: bool) -> Fault:
    """One broker of the three is killed and comes back: any of them, or the controller."""
    home, which = of.fleet.home, chance.choice(("any", "controller"))
    assert isinstance(home, Cluster)
    picked = chance.choice(home.kafka.brokers)
    return f"kill -9 of a broker ({which})", lambda: _kill_broker(home, home.controller() if which == "controller" else picked)


def all_brokers(of: Trial, chance: random.Random, long: bool) -> Fault:
    """The whole log is away."""
    home, seconds = of.fleet.home, chance.choice((1.0, 5.0, 20.0) if long else (1.0,))
    assert isinstance(home, Cluster)

    async def act() -> None:
        await home.kill_log()
        await lasting(seconds)
        await home.start_log()

    return f"all brokers killed, for {seconds:g} s", act


def store_away(of: Trial, chance: random.Random, long: bool) -> Fault:
    """The store's server is stopped or killed, and comes back."""
    home, how = of.fleet.home, chance.choice((signal.SIGTERM, signal.SIGKILL))
    assert isinstance(home, Cluster)
    return f"the store's server gets {how.name}", lambda: home.restart_store(how, chance.choice((0.5, 2.0)))


async def _kill_broker(home: Cluster, which: Broker) -> None:
    await home.kill_broker(which)
    await lasting(2)
    await home.back(which)


def _armed(of: Trial, service: str, faults: str) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        for _ in range(4):
            of.fleet.arm(service, faults)
            await lasting(0.5)
        of.fleet.arm(service, "")

    return act
