"""Whether the router's collections have been made: until then it is alive, refuses with 503, and handles nothing."""

import asyncio
from contextlib import suppress

from services.router import feed, store
from services.router.model import Body
from shared.errors import StoreUnavailable, Transient
from shared.http.app import Account
from shared.log.deadletters import LETTERS, PARKED
from shared.runtime import Beat, Work, wait_for
from shared.store.outbox import EVENTS
from shared.store.port import Store

_COLLECTIONS = (store.COLLECTION, store.COUNTERS, feed.COLLECTION, LETTERS, PARKED, EVENTS)
_BEAT_SECONDS = 1.0


class Prepared:
    """The router may start while its store is away: a collection that is not made yet is a store that is away."""

    def __init__(self, documents: Store) -> None:
        self._store = documents
        self._done = asyncio.Event()

    async def work(self) -> None:
        """Make the collections. Raises `StoreUnavailable`."""
        await self._store.prepare(_COLLECTIONS)
        self._done.set()

    async def try_now(self) -> None:
        """Make them if the store is there."""
        with suppress(Transient):
            await self.work()

    def demand(self) -> None:
        """Raise `StoreUnavailable` until they are made."""
        if not self._done.is_set():
            raise StoreUnavailable("the store has been away since the router started")

    async def check(self) -> None:
        """Raise `StoreUnavailable` while the store cannot be written."""
        self.demand()
        await self._store.check()

    def guard(self, account: Account) -> Account:
        """This account, once they are made; `StoreUnavailable` until then."""

        async def guarded() -> Body:
            self.demand()
            return await account()

        return guarded

    def before(self, work: Work) -> Work:
        """This loop, once they are made."""

        async def loop(stop: asyncio.Event, beat: Beat) -> None:
            while not stop.is_set() and not await wait_for(self._done, _BEAT_SECONDS):
                beat()
            await work(stop, beat)

        return loop
