"""What fsync costs: the same intake with it and without it, in turn, in one run."""

from contextlib import AsyncExitStack
from itertools import product
from statistics import median

from tests.benchmarks import load
from tests.benchmarks.intake import BATCH, BATCH_CLIENTS, expect
from tests.benchmarks.load import Plan, Result
from tests.benchmarks.processes import Home, Running, home, quiet, service
from tests.benchmarks.report import Figure

_HOW = ("FULL", "OFF")
_WAYS = {"one message a POST, 64 clients": (1, 64), f"batches of {BATCH}": (BATCH, BATCH_CLIENTS)}


async def durability(*, quick: bool) -> list[Figure]:
    """Two intakes, each in a home of its own; only `synchronous` differs (a setting of test mode)."""
    rounds, messages = (2, 2_000) if quick else (5, 10_000)
    rates: dict[tuple[str, str], list[float]] = {}
    async with AsyncExitStack() as stack:
        intakes: dict[str, tuple[Running, Home]] = {}
        for how in _HOW:
            where = stack.enter_context(home())
            told = {"test_mode": "1", "synchronous": how}
            intakes[how] = await stack.enter_async_context(service("intake", where, **told)), where
            await _round(*intakes[how], "warm", 1_000, *_WAYS[f"batches of {BATCH}"])
        for way, number, how in product(_WAYS, range(rounds), _HOW):
            result = await _round(*intakes[how], f"{way[:3]}{number}", messages, *_WAYS[way])
            rates.setdefault((way, how), []).append(result.rate)
    return [_figure(way, rates[way, "FULL"], rates[way, "OFF"]) for way in _WAYS]


async def _round(one: Running, where: Home, series: str, messages: int, batch: int, clients: int) -> Result:
    await quiet(one)
    plan = Plan(one.port, series, messages, key=where.channel, batch=batch, clients=clients)
    return expect(await load.run(plan), "202" if batch == 1 else "200")


def _figure(way: str, on: list[float], off: list[float]) -> Figure:
    raw = {
        "with_fsync": median(on), "without": median(off),
        "rounds": [round(one) for one in on], "rounds_without": [round(one) for one in off],
    }  # fmt: skip
    return Figure(f"intake with fsync ÷ without, {way}", median(on) / median(off), raw)
