"""Intake against its bare twins: one message a POST, and batches of 500."""

from contextlib import AsyncExitStack
from itertools import product
from statistics import median
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.load import Plan, Result
from tests.benchmarks.processes import Home, Running, child, home, quiet, service, twin
from tests.benchmarks.report import Figure

BATCH, BATCH_CLIENTS = 500, 4


async def single(*, quick: bool) -> list[Figure]:
    """64 clients, fsynced before the 202, against a FastAPI endpoint that validates the same body and stores nothing."""
    rounds, messages = (2, 3_000) if quick else (7, 10_000)
    results: dict[str, list[tuple[Result, float]]] = {"intake": [], "twin": []}
    async with AsyncExitStack() as stack:
        where = stack.enter_context(home())
        both = [await stack.enter_async_context(service("intake", where)), await stack.enter_async_context(twin())]
        for one in both:
            await _round(one, Plan(one.port, "warm", 1_000, key=where.channel))
        for number, one in product(range(rounds), both):
            results[one.name].append(await _round(one, Plan(one.port, f"r{number}", messages, key=where.channel)))
    return [_single_figure(results["intake"], results["twin"])]


async def _round(one: Running, plan: Plan) -> tuple[Result, float]:
    """The result, and microseconds of processor time a message until all that follows from it is done."""
    await quiet(one)
    before = one.cpu()
    result = expect(await load.run(plan), "202")
    await quiet(one)
    return result, (one.cpu() - before) / plan.messages * 1e6


def _single_figure(ours: list[tuple[Result, float]], theirs: list[tuple[Result, float]]) -> Figure:
    rate, bare = median(result.rate for result, _ in ours), median(result.rate for result, _ in theirs)
    raw = {
        "messages_per_second": rate, "bare": bare, "rounds": [round(one.rate) for one, _ in ours],
        "bare_rounds": [round(one.rate) for one, _ in theirs], "p50_ms": median(one.percentiles["p50"] for one, _ in ours),
        "p99_ms": median(one.percentiles["p99"] for one, _ in ours), "cpu_µs": median(cpu for _, cpu in ours),
        "bare_cpu_µs": median(cpu for _, cpu in theirs),
    }  # fmt: skip
    return Figure("intake, one message a POST, 64 clients ÷ bare FastAPI", rate / bare, raw, 0.5)


async def batch(*, quick: bool) -> list[Figure]:
    """Batches of 500, against a loop that masks, seals and inserts the same messages into the same SQLite (ADR 7), and
    against one that only inserts them."""
    rounds, messages = (2, 5_000) if quick else (5, 30_000)
    with home() as where:
        async with service("intake", where) as intake:
            expect(await load.run(_batches(intake, where, "warm", 2_000)), "200")
            ours = []
            theirs: list[dict[str, Any]] = []
            for number in range(rounds):
                ours.append(await _batch_round(intake, where, f"b{number}", messages))
                theirs.append(await child("tests.benchmarks.bare_insert", f"b{number}", str(messages), str(BATCH)))
    return _batch_figures(ours, theirs)


def _batch_figures(ours: list[Result], theirs: list[dict[str, Any]]) -> list[Figure]:
    rate, bare = median(one.rate for one in ours), median(one["rate"] for one in theirs)
    prepared = median(one["rate_with_preparing"] for one in theirs)
    raw = {
        "messages_per_second": rate, "bare": prepared, "rounds": [round(one.rate) for one in ours],
        "bare_rounds": [round(one["rate_with_preparing"]) for one in theirs], "p99_ms": median(one.percentiles["p99"] for one in ours),
    }  # fmt: skip
    inserting = Figure(f"intake, batches of {BATCH} ÷ bare loop that only inserts", rate / bare, {"bare": bare})
    return [Figure(f"intake, batches of {BATCH} ÷ bare loop that masks, seals and inserts", rate / prepared, raw, 0.6), inserting]


async def _batch_round(intake: Running, where: Home, series: str, messages: int) -> Result:
    await quiet(intake)
    result = expect(await load.run(_batches(intake, where, series, messages)), "200")
    await quiet(intake)
    return result


def _batches(intake: Running, where: Home, series: str, messages: int) -> Plan:
    return Plan(intake.port, series, messages, key=where.channel, batch=BATCH, clients=BATCH_CLIENTS)


def expect(result: Result, status: str) -> Result:
    """The result, if every answer had this status."""
    if set(result.statuses) != {status}:
        raise RuntimeError(f"every answer should have been {status}: {result.statuses}")
    return result
