"""A loop goes on whatever ends it, but for those who want it to end."""

import asyncio
from collections.abc import Sequence

import pytest

from shared import runtime
from shared.runtime import Beat, running
from shared.testing.wait import wait_until

SENSELESS: Sequence[BaseException] = (RuntimeError("no such thing"), asyncio.CancelledError())


@pytest.mark.parametrize("ending", SENSELESS, ids=repr)
async def test_a_loop_that_ends_for_no_reason_is_started_again(ending: BaseException, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "_RESTART_SECONDS", (0.01, 0.01))
    starts = 0

    async def work(stop: asyncio.Event, beat: Beat) -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise ending
        await stop.wait()

    async with running({"work": work}, drain_seconds=5):
        await wait_until(lambda: starts == 2, timeout=10)


async def test_a_loop_that_does_not_end_in_time_is_cancelled():
    started, cancelled = asyncio.Event(), False

    async def work(stop: asyncio.Event, beat: Beat) -> None:
        nonlocal cancelled
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled = True

    async with asyncio.timeout(10), running({"work": work}, drain_seconds=0.05):
        await started.wait()
    assert cancelled
