"""Group commit: who waits, who shares, and whose mistake is whose."""

import asyncio

import pytest

from shared.errors import StoreUnavailable
from shared.store.groupcommit import GroupCommit


class Commits:
    """Remembers its groups; `gate` holds a commit back."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: list[str]) -> list[str | Exception]:
        await self.gate.wait()
        self.groups.append(items)
        if "away" in items:
            raise StoreUnavailable("away")
        if "wrong" in items:
            raise ValueError("wrong")
        return [KeyError(item) if item == "refused" else item.upper() for item in items]


async def test_what_is_queued_while_one_commits_goes_into_the_next() -> None:
    commits = Commits()
    lane = GroupCommit(commits, group=3, capacity=100)
    commits.gate.clear()
    first = await lane.put("a")
    await asyncio.sleep(0)
    others = [await lane.put(item) for item in "bcdef"]
    commits.gate.set()
    assert await asyncio.gather(first, *others) == list("ABCDEF")
    assert commits.groups == [["a"], ["b", "c", "d"], ["e", "f"]]


async def test_an_item_heavier_than_a_group_goes_alone() -> None:
    commits = Commits()
    lane = GroupCommit(commits, group=3, capacity=100)
    answers = [await lane.put("a"), await lane.put("big", 50), await lane.put("b")]
    assert await asyncio.gather(*answers) == ["A", "BIG", "B"]
    assert commits.groups == [["a"], ["big"], ["b"]]


async def test_a_mistake_fails_alone() -> None:
    lane = GroupCommit(Commits(), group=9, capacity=100)
    answers = [await lane.put(item) for item in ("a", "wrong", "refused", "b")]
    a, wrong, refused, b = await asyncio.gather(*answers, return_exceptions=True)
    assert (a, b) == ("A", "B")
    assert isinstance(wrong, ValueError)
    assert isinstance(refused, KeyError)


async def test_unavailability_is_everybodys_and_is_not_tried_again() -> None:
    commits = Commits()
    lane = GroupCommit(commits, group=9, capacity=100)
    answers = [await lane.put(item) for item in ("a", "away")]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
    assert results[0] is not results[1]
    assert len(commits.groups) == 1


async def test_beyond_its_capacity_callers_wait_in_order() -> None:
    commits = Commits()
    commits.gate.clear()
    lane = GroupCommit(commits, group=2, capacity=2)
    waiting = [asyncio.create_task(lane.run(item)) for item in "abcdefgh"]
    for _ in range(5):
        await asyncio.sleep(0)
    assert lane._queued <= 2
    commits.gate.set()
    assert await asyncio.gather(*waiting) == list("ABCDEFGH")
    assert "".join(item for group in commits.groups for item in group) == "abcdefgh"


async def test_close_waits_and_a_cancelled_caller_hinders_nobody() -> None:
    commits = Commits()
    commits.gate.clear()
    lane = GroupCommit(commits, group=1, capacity=9)
    tasks = [asyncio.create_task(lane.run(item)) for item in "abc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0)
    commits.gate.set()
    await closing
    assert [await tasks[0], await tasks[2]] == ["A", "C"]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert commits.groups == [["a"], ["b"], ["c"]]
