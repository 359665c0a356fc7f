"""How far a group is behind, and how much was ever published, each as one number for the account."""

from collections.abc import Sequence

from shared.errors import LogUnavailable
from shared.log.port import Log


async def lag_of(log: Log, group: str, topics: Sequence[str]) -> int | None:
    """How many records the group has not committed yet; None while the log cannot be asked."""
    try:
        lags = await log.lag(group, topics)
    except LogUnavailable:
        return None
    return sum(max(0, lag.end - lag.committed) for lag in lags.values())


async def ever_published(log: Log, group: str, topics: Sequence[str]) -> int | None:
    """How many records these topics were ever given, repeats and trimmed ones too: offsets are a counter. `group` may be any
    that reads them. None while the log cannot be asked."""
    try:
        lags = await log.lag(group, topics)
    except LogUnavailable:
        return None
    return sum(lag.end for lag in lags.values())
