"""Waiting for something to become true, so that no test sleeps and hopes."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

from shared.clock import monotonic, sleep

T = TypeVar("T")


async def wait_until(predicate: Callable[[], T | Awaitable[T]], timeout: float = 10.0, what: str = "") -> T:
    """Ask until the answer is truthy, and return it. `predicate` may be a coroutine function.

    Raises `AssertionError` after `timeout` seconds, naming `what` was awaited and the last answer.
    """
    deadline = monotonic() + timeout
    while True:
        answer = predicate()
        value: T = await answer if isawaitable(answer) else answer  # type: ignore[assignment]
        if value:
            return value
        if monotonic() > deadline:
            raise AssertionError(f"{what or 'what was awaited'} did not come within {timeout} s; last answer: {value!r}")
        await sleep(0.01)
