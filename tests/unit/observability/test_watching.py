"""A service's checks and account, as metrics."""

import asyncio

from fastapi import FastAPI

from shared.http.health import Health
from shared.http.watching import figures, watch
from shared.observability import metrics
from shared.testing.wait import wait_until


def test_figures_are_told_by_name_and_parts_are_summed_up() -> None:
    account = {
        "service": "x",
        "accepted": {"real": 3, "test": 2},
        "lag": {"a": 1, "b": None},
        "dead": 0,
        "oldest": {"dead": None},
    }
    assert dict(figures(account)) == {"accepted": 5.0, "lag": 1.0, "dead": 0.0}


async def test_a_failing_check_and_the_account_are_seen() -> None:
    app, stop = FastAPI(), asyncio.Event()

    async def well() -> None: ...

    async def away() -> None:
        raise RuntimeError("away")

    async def account() -> dict[str, int]:
        return {"dead": 7}

    app.state.health, app.state.account = Health({"watched": well}, {"missed": away}, {}), account
    task = asyncio.create_task(watch(app, seconds=0.01)(stop, lambda: None))
    await wait_until(lambda: metrics.REGISTRY.get_sample_value("yijian_account_figure", {"figure": "dead"}) == 7)
    assert metrics.REGISTRY.get_sample_value("yijian_check_failing", {"check": "missed"}) == 1
    assert metrics.REGISTRY.get_sample_value("yijian_check_failing", {"check": "watched"}) == 0
    stop.set()
    await task
