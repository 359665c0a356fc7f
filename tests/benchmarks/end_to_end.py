"""All three services in the one-machine home: how many messages a second get their case, how soon, and in how much memory."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from shared import ids
from shared.events.cases import ROUTED, TRIAGED
from shared.events.catalog import CASES
from shared.log import Received, open_log
from shared.testing.wait import wait_until
from tests.benchmarks import load
from tests.benchmarks.intake import BATCH, expect
from tests.benchmarks.load import Plan, Result, quantile
from tests.benchmarks.processes import Home, Running, child, get, home, quiet, service
from tests.benchmarks.report import Figure

_SERVICES = ("intake", "classifier", "router")
_LATENCY_SECONDS = 20


@dataclass(slots=True)
class City:
    """The three services, and when each case was routed (or came to triage) according to the log."""

    home: Home
    services: dict[str, Running]
    routed: dict[str, float] = field(default_factory=dict)
    """Case → when the log stored the event that says where it went, seconds since the epoch."""

    async def offer(self, series: str, messages: int, *, clients: int, batch: int = 1, rate: float | None = None) -> Result:
        """Post messages; the file `answers` then says when each was answered."""
        plan = Plan(
            self.services["intake"].port, series, messages, key=self.home.channel, batch=batch, clients=clients, rate=rate,
            answers=str(self._answers),
        )  # fmt: skip
        return expect(await load.run(plan), "202" if batch == 1 else "200")

    async def all_routed(self, count: int) -> None:
        """Wait until the router's account counts so many cases, and intake has heard of each."""
        await wait_until(lambda: self._opened(count), timeout=600, what=f"{count} cases")
        await wait_until(self._nothing_in_flight, timeout=600, what="intake having heard of every case")
        await self._read_log()

    def answered(self) -> dict[str, float]:
        """Case → when its message was answered 202, of the last offer."""
        told = orjson.loads(self._answers.read_bytes())
        return {ids.case_id(message_id): at for message_id, at in told.items()}

    @property
    def _answers(self) -> Path:
        return self.home.data / "answers.json"

    async def _opened(self, count: int) -> bool:
        account = await get(self.services["router"], "/v1/account", self.home.operator)
        return bool(account["opened"]["real"] >= count)

    async def _nothing_in_flight(self) -> bool:
        return not (await get(self.services["intake"], "/v1/account", self.home.operator))["in_flight"]

    async def _read_log(self) -> None:
        """Read on where the last reading ended."""
        log = open_log(f"sqlite:///{self.home.data}/log.db")
        async with log.subscribe("bench", (CASES,)) as consumer:
            while records := await consumer.poll(1_000, 1.0):
                for record in records:
                    self._note(record)
                await consumer.commit({record.partition: record.offset + 1 for record in records})
        await log.close()

    def _note(self, record: Received) -> None:
        if record.headers["ce_type"] in {ROUTED, TRIAGED}:
            self.routed.setdefault(record.headers["ce_subject"], record.published_at)


async def end_to_end(*, quick: bool) -> list[Figure]:
    """Sustained throughput, latency at half of it, memory before and after."""
    messages = 3_000 if quick else 30_000
    async with AsyncExitStack() as stack:
        city = await _start(stack)
        started_with = {name: one.rss() for name, one in city.services.items()}
        await city.offer("warm", 1_000, clients=2, batch=BATCH)
        await city.all_routed(1_000)
        throughput = await _throughput(city, messages)
        half = throughput.actual / 2
        posted = 1_000 + messages
        latencies = []
        for rate in (250.0, half):
            count = int(rate * (5 if quick else _LATENCY_SECONDS))
            posted += count
            latencies.append(await _latency(city, rate, count, posted))
        memory = [_memory(one, started_with[name], posted) for name, one in city.services.items()]
    return [throughput, *latencies, *memory]


async def _start(stack: AsyncExitStack) -> City:
    where = stack.enter_context(home())
    await child("tests.benchmarks.train", str(where.data / "model"))
    return City(where, {name: await stack.enter_async_context(service(name, where)) for name in _SERVICES})


async def _throughput(city: City, messages: int) -> Figure:
    """From the first batch that is sent to the last case that is routed; batches are sent as fast as they are taken."""
    await quiet(*city.services.values())
    before = {name: one.cpu() for name, one in city.services.items()}
    offered = await city.offer("through", messages, clients=2, batch=BATCH)
    await city.all_routed(1_000 + messages)
    answered = city.answered()
    lags = sorted(city.routed[case] - at for case, at in answered.items())
    seconds = max(city.routed[case] for case in answered) - offered.began
    await quiet(*city.services.values())
    cpu = {f"cpu_µs_{name}": (one.cpu() - before[name]) / messages * 1e6 for name, one in city.services.items()}
    raw = {"messages": messages, "seconds": seconds, "accepted_per_second": offered.rate, "longest_behind_s": lags[-1], **cpu}
    return Figure("end to end, accepted → case routed, sustained", messages / seconds, raw, 500, unit="/s")


async def _latency(city: City, rate: float, count: int, posted: int) -> Figure:
    """From the 202 in the client's hands to the routed event in the log, for every message; posted one by one."""
    await quiet(*city.services.values())
    offered = await city.offer(f"latency{rate:.0f}", count, clients=64, rate=rate)
    await city.all_routed(posted)
    lags = sorted(city.routed[case] - at for case, at in city.answered().items())
    raw = {
        "p50_s": quantile(lags, 0.5), "p99_s": quantile(lags, 0.99), "longest_s": lags[-1], "messages": count,
        "offered_per_second": offered.rate, "post_p50_ms": offered.percentiles["p50"], "post_p99_ms": offered.percentiles["p99"],
    }  # fmt: skip
    return Figure(f"end to end, p99 accepted → routed at {rate:.0f}/s", quantile(lags, 0.99), raw, 1, at_most=True, unit=" s")


def _memory(one: Running, started_with: float, posted: int) -> Figure:
    raw = {"after_start_mb": started_with, "messages": posted}
    return Figure(f"memory of the {one.name}", one.rss(), raw, 200, at_most=True, unit=" MB")
