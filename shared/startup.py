"""Starting while a dependency is away: what has to be made there is tried again until it is made."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.errors import Transient
from shared.events import catalog
from shared.log.port import Log
from shared.observability import logging
from shared.pack.model import Pack
from shared.runtime import Beat, Work, wait_for
from shared.store.port import Collection, Store

_log = logging.get(__name__)
_AGAIN_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
"""How long a start waits for a dependency before it goes on without."""


async def prepare(store: Store, collections: Sequence[Collection]) -> Work:
    """Prepare the store now if it is there; the loop that is returned does it as soon as it is."""

    async def work() -> None:
        await store.prepare(collections)

    return await _now_or_later("prepare", work)


async def apply_topics(log: Log, pack: Pack) -> Work:
    """Create the missing topics now if the log is there; the loop that is returned does it as soon as it is."""

    async def work() -> None:
        created = await log.apply_topics(catalog.topics(department.code for department in pack.departments))
        if created:
            _log.info("topics_created", count=len(created))

    return await _now_or_later("apply_topics", work)


async def _now_or_later(name: str, work: Callable[[], Awaitable[None]]) -> Work:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await work()
    except (Transient, TimeoutError) as error:
        _log.warning("dependency_away_at_start", work=name, reason=str(error))
        return until_done(name, work)
    return until_done(name, _nothing)


def until_done(name: str, work: Callable[[], Awaitable[None]]) -> Work:
    """A loop that ends when the work has succeeded once; transient trouble only delays it."""

    async def loop(stop: asyncio.Event, beat: Beat) -> None:
        while not stop.is_set():
            try:
                await work()
                return
            except Transient as error:
                _log.warning("waiting_for_dependency", work=name, reason=str(error))
            beat()
            await wait_for(stop, _AGAIN_SECONDS)

    return loop


async def _nothing() -> None:
    pass
