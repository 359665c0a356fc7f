"""Ten times what intake may take is offered: how much later are the accepted answered than at full load, in one run."""

from itertools import product
from statistics import median

from tests.benchmarks import load
from tests.benchmarks.load import Plan, Result
from tests.benchmarks.processes import Home, Running, home, quiet, service
from tests.benchmarks.report import Figure

_CAP, _TIMES = 200, 10
_OFFERS = {"full": _CAP, "flood": _CAP * _TIMES}


async def overload(*, quick: bool) -> list[Figure]:
    """One intake with a cap, offered its cap and ten times as much in turn; `p99` is of what was answered 202."""
    rounds, seconds = (2, 2) if quick else (5, 15)
    found: dict[str, list[Result]] = {name: [] for name in _OFFERS}
    with home() as where:
        async with service("intake", where, intake_rate=_CAP) as intake:
            await _offer(intake, where, "warm", _CAP, seconds)
            before = intake.rss()
            for number, (name, rate) in product(range(rounds), _OFFERS.items()):
                found[name].append(await _offer(intake, where, f"{name}{number}", rate, seconds))
            grown = intake.rss() - before
    return [_ratio(found), Figure("intake's memory after the floods − before", grown, {}, reach=60, at_most=True, unit=" MB")]


async def _offer(intake: Running, where: Home, series: str, rate: float, seconds: float) -> Result:
    await quiet(intake)
    return await load.run(Plan(intake.port, series, int(rate * seconds), key=where.channel, rate=rate))


def _ratio(found: dict[str, list[Result]]) -> Figure:
    p99 = {name: [one.accepted["p99"] for one in results] for name, results in found.items()}
    floods = found["flood"]
    raw = {
        "p99_full_ms": median(p99["full"]),
        "p99_flood_ms": median(p99["flood"]),
        "rounds_full": [round(one, 1) for one in p99["full"]],
        "rounds_flood": [round(one, 1) for one in p99["flood"]],
        "accepted_per_second": round(median(one.statuses["202"] / one.seconds for one in floods)),
        "answers": sorted({status for one in floods for status in one.statuses}),
    }
    name = f"p99 of the accepted at {_TIMES} times the cap ÷ at the cap"
    return Figure(name, median(p99["flood"]) / median(p99["full"]), raw, reach=2, at_most=True)
