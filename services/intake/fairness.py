"""Fair among keys: what waits stands in a line for each key, and a capped throughput is shared by those who ask."""

from collections import deque
from typing import Generic, TypeVar

from shared import clock

T = TypeVar("T")
_ACTIVE_SECONDS = 1.0
_REFILL_SECONDS = 0.005
_BURST_SECONDS = 0.05
"""What a share can save up: as much as flows in within this time. As much again may be left from others. A burst is stored
together, so each of it waits for all of it: this bounds how long."""


class FairQueue(Generic[T]):
    """A line for each key; groups are formed by taking one from each line in turn."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[tuple[T, int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, key: str, item: T, size: int) -> None:
        """Stand at the end of this key's line."""
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = deque([(item, size)])
        else:
            line.append((item, size))

    def group(self, most: int, enough: int) -> list[T]:
        """Up to `most` items, no more once their sizes reach `enough`; whose line was served goes to the back."""
        taken: list[T] = []
        size = 0
        while self._lines and len(taken) < most and size < enough:
            key = next(iter(self._lines))
            line = self._lines.pop(key)
            item, item_size = line.popleft()
            taken.append(item)
            size += item_size
            if line:
                self._lines[key] = line
        return taken


class Share:
    """One key's part of a capped throughput."""

    __slots__ = ("asked", "level")

    def __init__(self) -> None:
        self.level = 0.0
        self.asked = -_ACTIVE_SECONDS


class Shares:
    """`rate` messages a second over all keys. Those who ask share it equally; what one does not use, the others may."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._active: list[Share] = []
        self._spare = max(1.0, rate * _BURST_SECONDS)
        self._at = clock.monotonic()

    def admits(self, share: Share, count: int) -> bool:
        """Whether this key may send `count` more now; more than can be saved up is taken when all that can be is there."""
        now = clock.monotonic()
        if now - share.asked >= _ACTIVE_SECONDS and share not in self._active:
            self._active.append(share)
        share.asked = now
        if now - self._at >= _REFILL_SECONDS:
            self._refill(now)
        return share.level + self._spare >= min(count, self._most())

    def take(self, share: Share, count: int) -> None:
        """Take from the key's own share, then from what others left; what is still owed is the key's own debt."""
        own = min(count, max(0.0, share.level))
        left = min(count - own, self._spare)
        self._spare -= left
        share.level -= count - left

    def _refill(self, now: float) -> None:
        flow, self._at = min(now - self._at, 1.0) * self._rate, now
        self._active = [one for one in self._active if now - one.asked < _ACTIVE_SECONDS]
        most = self._most()
        for share in self._active:
            level = share.level + flow / len(self._active)
            self._spare += max(0.0, level - most)
            share.level = min(most, level)
        self._spare = min(self._spare if self._active else self._spare + flow, self._rate * _BURST_SECONDS + 1)

    def _most(self) -> float:
        return max(1.0, self._rate * _BURST_SECONDS / max(1, len(self._active)))
