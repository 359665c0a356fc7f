"""Waiting for something to become true, so that no test sleeps and hopes."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, overload

from shared.clock import monotonic, sleep

T = TypeVar("T")


@overload
async def wait_until(predicate: Callable[[], Awaitable[T]], timeout: float = ..., what: str = ...) -> T: ...
@overload
async def wait_until(predicate: Callable[[], T], timeout: float = ..., what: str = ...) -> T: ...
async def wait_until(predicate: Callable[[], Any], timeout: float = 10.0, what: str = "") -> Any:
    """Ask until the answer is truthy, and return it. `predicate` may be a coroutine function.

    Raises `AssertionError` after `timeout` seconds, naming `what` was awaited and the last answer.
    """
    deadline = monotonic() + timeout
    while True:
        answer = predicate()
        value = await answer if isawaitable(answer) else answer
        if value:
            return value
        if monotonic() > deadline:
            raise AssertionError(f"{what or 'what was awaited'} did not come within {timeout} s; last answer: {value!r}")
        await sleep(0.01)
