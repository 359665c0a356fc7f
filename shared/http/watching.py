"""A service looks at itself every half minute: its checks and its account become metrics, and a check that turns is logged."""

import asyncio
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from shared.observability import logging, metrics
from shared.runtime import Beat, Work, every, wait_for

_log = logging.get(__name__)
_SECONDS = 30.0


def watch(app: FastAPI, *, seconds: float = _SECONDS) -> Work:
    """The loop that does it, first after a pause, for an app whose lifespan sets `app.state.health` and `app.state.account`."""
    before: dict[str, str] = {}

    async def look() -> None:
        _, findings = await app.state.health.ready()
        for name, finding in findings.items():
            metrics.CHECK_FAILING.labels(name).set(finding != "ok")
            if (finding == "ok") != (before.get(name, "ok") == "ok"):
                _log.warning("check_turned", check=name, finding=finding)
        before.update(findings)
        for figure, value in figures(await app.state.account()):
            metrics.ACCOUNT.labels(figure).set(value)

    looking = every(seconds, look)

    async def loop(stop: asyncio.Event, beat: Beat) -> None:
        beat()
        if not await wait_for(stop, seconds):
            await looking(stop, beat)

    return loop


def figures(account: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The account's figures by name; what is told by parts is summed up."""
    for name, value in account.items():
        if (total := _total(value)) is not None:
            yield name, total


def _total(value: Any) -> float | None:
    if isinstance(value, dict):
        parts = [part for each in value.values() if (part := _total(each)) is not None]
        return sum(parts) if parts else None
    return float(value) if isinstance(value, int | float) else None
