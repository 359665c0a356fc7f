"""An account that many may ask for, counted at most every two seconds."""

import asyncio
from typing import Any

from shared import clock
from shared.http.app import Account

_FRESH_SECONDS = 2.0


def fresh_enough(count: Account) -> Account:
    """The same account, counted anew only when the last count is older; who asks meanwhile waits for it and shares it."""
    lock = asyncio.Lock()
    counted_at, last = -_FRESH_SECONDS, dict[str, Any]()

    async def account() -> dict[str, Any]:
        nonlocal counted_at, last
        async with lock:
            if clock.monotonic() - counted_at >= _FRESH_SECONDS:
                last, counted_at = await count(), clock.monotonic()
        return last

    return account
