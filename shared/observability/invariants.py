"""The invariants of the account, as functions: what two services must agree on, and which minutes are due. Pure."""

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

_WRITTEN = "%Y-%m-%dT%H:%M"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Digest:
    """A set of ids in short: two that are equal are, for all purposes, the same set."""

    count: int
    xor: str


def digest(ids: Iterable[str]) -> Digest:
    """Count and XOR of these UUIDs."""
    numbers = [UUID(one).int for one in ids]
    return Digest(len(numbers), f"{reduce(operator.xor, numbers, 0):032x}")


def minute_of(moment: datetime) -> str:
    """The minute of a moment, `2026-11-20T01:12`, UTC."""
    return moment.astimezone(UTC).strftime(_WRITTEN)


def minutes_due(after: str, until: datetime, *, most: int) -> Iterator[str]:
    """The minutes that follow the minute `after` and are over at `until`, oldest first, at most so many."""
    minute = datetime.strptime(after, _WRITTEN).replace(tzinfo=UTC)
    for _ in range(most):
        minute += _MINUTE
        if minute + _MINUTE > until:
            return
        yield minute_of(minute)
