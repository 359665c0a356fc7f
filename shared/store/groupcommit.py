"""Group commit: many concurrent calls, one commit, a result for each. Both homes of the store write this way."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from shared.errors import Transient

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    weight: int
    answer: "asyncio.Future[Result]"


class GroupCommit(Generic[Item, Result]):
    """A lane in which everything that was queued while the last commit ran goes into the next one.

    One commit runs at a time, so items are committed in the order of `put`. At most `capacity` (in weight, usually
    documents) waits; beyond that `put` waits too, and so the pressure reaches whoever causes it. Not thread-safe:
    one event loop.
    """

    def __init__(
        self, commit: Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]], *, group: int, capacity: int
    ) -> None:
        """`commit` answers its items in order, with a result or the exception of each; a group weighs at most `group`
        unless a single item does."""
        self._commit = commit
        self._group = group
        self._capacity = capacity
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._queued = 0
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def put(self, item: Item, weight: int = 1) -> "asyncio.Future[Result]":
        """Queue an item as soon as there is room; the future is done when it is committed. Nobody needs to await it:
        a cancelled caller's item is committed all the same."""
        while self._queued and self._queued + weight > self._capacity:
            self._room.clear()
            await self._room.wait()
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(item, weight, answer))
        self._queued += weight
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return answer

    async def run(self, item: Item, weight: int = 1) -> Result:
        """Queue an item and wait for its result."""
        return await (await self.put(item, weight))

    async def close(self) -> None:
        """Wait until everything that was put is committed."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        while self._queue:
            await self._settle(self._take())

    def _take(self) -> list[_Waiting[Item, Result]]:
        taken, weight = [self._queue.popleft()], 0
        weight = taken[0].weight
        while self._queue and weight + self._queue[0].weight <= self._group:
            taken.append(self._queue.popleft())
            weight += taken[-1].weight
        self._queued -= weight
        self._room.set()
        return taken

    async def _settle(self, taken: list[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._commit([waiting.item for waiting in taken])
        except Transient as error:
            _answer(taken, [type(error)(*error.args) for _ in taken])
        except Exception as error:
            await self._settle_apart(taken, error)
        except BaseException:
            for waiting in taken:
                waiting.answer.cancel()
            raise
        else:
            _answer(taken, results)

    async def _settle_apart(self, taken: list[_Waiting[Item, Result]], error: Exception) -> None:
        """One item's mistake (nothing of the group was written) must not fail its neighbours: each goes alone."""
        if len(taken) == 1:
            return _answer(taken, [error])
        for waiting in taken:
            await self._settle([waiting])
        return None


def _answer(taken: Sequence[_Waiting[Item, Result]], results: Sequence[Result | Exception]) -> None:
    for waiting, result in zip(taken, results, strict=True):
        if waiting.answer.done():  # its caller was cancelled
            continue
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)
