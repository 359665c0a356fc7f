"""How far a group is behind, as one number for the account."""

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
