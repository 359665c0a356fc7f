"""One run: a seed, a home, channels and desks at work, faults one after the other, quiet, audit."""

import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from shared.clock import monotonic
from tests.faults.catalogue import draw
from tests.faults.channels import Channels
from tests.faults.fleet import Fleet
from tests.faults.homes import Cluster, Home, Kind, OneMachine
from tests.faults.trial import Trial, lasting, trial


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it."""

    messages: int
    faults: int
    clients: int
    rate: float
    long: bool = False


SHORT: dict[Kind, Size] = {
    "one-machine": Size(1_500, 10, clients=8, rate=40),
    "cluster": Size(400, 5, clients=8, rate=12),
}
LONG: dict[Kind, Size] = {
    "one-machine": Size(20_000, 60, clients=24, rate=50, long=True),
    "cluster": Size(20_000, 60, clients=24, rate=45, long=True),
}
"""The rates let the messages last about as long as the faults."""


async def run(seed: int, kind: Kind, size: Size, folder: Path, model: Path) -> Trial:
    """Raises `Broken` with the story of the first broken promise."""
    command = f"make faults SEED={seed} HOME_KIND={kind}" + (" LONG=1" if size.long else "")
    async with AsyncExitStack() as stack:
        home = await _home(kind, folder, stack)
        running = await stack.enter_async_context(trial(Fleet(home, model), command, seed))
        try:
            await _break(running, size)
            await running.verify(f"{size.faults} faults drawn from a seed")
        except AssertionError as error:
            raise type(error)(str(error) if command in str(error) else f"{error}\nrepeat: {command}") from error
        return running


async def _home(kind: Kind, folder: Path, stack: AsyncExitStack) -> Home:
    if kind == "one-machine":
        return OneMachine(folder)
    cluster = Cluster(folder)
    stack.push_async_callback(cluster.stop)
    await cluster.start()
    return cluster


async def _break(of: Trial, size: Size) -> None:
    chance, began = random.Random(f"faults {of.seed}"), monotonic()
    async with of.load(clients=size.clients, rate=size.rate, limit=size.messages) as channels:
        await of.flows(channels)
        for number in range(size.faults):
            name, fault = draw(of, chance, long=size.long)
            print(f"{monotonic() - began:6.1f} s  {number + 1:2}/{size.faults}  {name}", flush=True)
            await of.suffer(name, fault, channels)
            await lasting(chance.uniform(0, 1))
        await _rest(of, channels, size, began)


async def _rest(of: Trial, channels: Channels, size: Size, began: float) -> None:
    await channels.done()
    print(
        f"{monotonic() - began:6.1f} s  {len(of.ledger.submissions)} of {size.messages} messages answered; auditing", flush=True
    )
