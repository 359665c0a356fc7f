"""What a POST costs when much is stored already: two homes beside each other, one with little in it and one with much."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks import load
from tests.benchmarks.intake import BATCH, BATCH_CLIENTS, expect
from tests.benchmarks.load import Plan
from tests.benchmarks.processes import Home, Running, home, quiet, service
from tests.benchmarks.report import Figure


@dataclass(slots=True)
class _Filled:
    """An intake with so much stored, and what messages cost it: microseconds each, by the clock and by the processor."""

    home: Home
    intake: Running
    stored: int
    costs: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"single": [], "batch": []})

    async def fill(self) -> None:
        """Store the first messages, in batches."""
        expect(await load.run(self._batches("fill", self.stored)), "200")
        await quiet(self.intake)

    async def measure(self, name: str, messages: int) -> None:
        """One round of each way."""
        singles = Plan(self.intake.port, f"s{name}", messages, key=self.home.channel)
        await self._note("single", singles, "202")
        await self._note("batch", self._batches(f"b{name}", messages), "200")

    async def _note(self, way: str, plan: Plan, status: str) -> None:
        before = self.intake.cpu()
        result = expect(await load.run(plan), status)
        await quiet(self.intake)
        self.costs[way].append((1e6 / result.rate, (self.intake.cpu() - before) * 1e6 / plan.messages))

    def _batches(self, series: str, messages: int) -> Plan:
        return Plan(self.intake.port, series, messages, key=self.home.channel, batch=BATCH, clients=BATCH_CLIENTS)


async def growth(*, quick: bool) -> list[Figure]:
    """The cost of a single POST, and of a message in a batch, at 10,000 and at 200,000 stored. Rounds alternate."""
    rounds, messages = (2, 1_000) if quick else (7, 2_000)
    async with AsyncExitStack() as stack:
        few, many = [await _open(stack, stored) for stored in ((1_000, 10_000) if quick else (10_000, 200_000))]
        for one in (few, many):
            await one.fill()
        before = many.intake.rss()
        for number in range(rounds):
            for one in (few, many):
                await one.measure(str(number), messages)
        memory = Figure(
            f"intake's memory at {many.stored:,} stored", many.intake.rss(), {"before_the_rounds_mb": before}, 200, True, " MB"
        )
    return [*(_figure(way, few, many) for way in ("single", "batch")), memory]


async def _open(stack: AsyncExitStack, stored: int) -> _Filled:
    where = stack.enter_context(home())
    return _Filled(where, await stack.enter_async_context(service("intake", where)), stored)


def _figure(way: str, few: _Filled, many: _Filled) -> Figure:
    wall = [median(cost for cost, _ in one.costs[way]) for one in (few, many)]
    cpu = [median(cost for _, cost in one.costs[way]) for one in (few, many)]
    raw = {"µs_each": [round(cost) for cost in wall], "cpu_µs_each": [round(cost) for cost in cpu], "cpu_ratio": cpu[1] / cpu[0]}
    return Figure(f"intake, {way}: cost at {many.stored:,} ÷ at {few.stored:,}", wall[1] / wall[0], raw, 1.15, at_most=True)
