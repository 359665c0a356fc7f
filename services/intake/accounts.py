"""Intake's side of the account: what was accepted, and where it stands. Counted, never reckoned as a remainder."""

import asyncio
import operator
from functools import reduce
from typing import Any, get_args
from uuid import UUID

from services.intake import store
from shared import clock
from shared.events.catalog import GROUPS, MESSAGES
from shared.events.words import Disposition
from shared.log.deadletters import DeadLetters
from shared.log.lag import ever_published, lag_of
from shared.log.oldest import oldest_letter, oldest_parked
from shared.log.port import Log
from shared.store.port import Store
from shared.store.relay import Relay

_PENDING = 1000
"""So many documents whose event waits are counted; more is told as this."""
_STATUSES = ("received", *get_args(Disposition))


class Accounts:
    """Counts the documents."""

    def __init__(self, documents: Store, log: Log, relay: Relay, letters: DeadLetters) -> None:
        self._store, self._log, self._relay, self._letters = documents, log, relay, letters

    async def minute(self, minute: str) -> dict[str, Any]:
        """Count and XOR of the ids of the messages accepted in this minute (`2026-11-20T01:12`, UTC), for the audit."""
        found = await self._store.ids(store.COLLECTION, "by_minute", {"minute": minute})
        return {
            "minute": minute,
            "count": len(found),
            "xor": f"{reduce(operator.xor, (UUID(one).int for one in found), 0):032x}",
        }

    async def count(self) -> dict[str, Any]:
        """What came in by real and by test keys, and how many stand where."""
        real, test = await self._statuses(0), await self._statuses(1)
        counted = {
            "service": "intake",
            "at": clock.timestamp(),
            "accepted": {"real": sum(real.values()), "test": sum(test.values())},
            "statuses": {"real": real, "test": test},
            "in_flight": real["received"] + test["received"],
            **await self._figures(),
            "missing": await self._store.count(store.COLLECTION, "awaiting", {"awaiting": store.MISSING}),
            "oldest_in_flight": await self._oldest_in_flight(),
            "oldest": await self._oldest(),
            "outbox": {"trouble": self._relay.error, "oldest": self._relay.oldest_pending()},
        }
        return counted | await self._letters.count() | {"lag": await lag_of(self._log, "intake", GROUPS["intake"])}

    async def _statuses(self, test: int) -> dict[str, int]:
        counts = await asyncio.gather(
            *(self._store.count(store.COLLECTION, "by_status", {"test": test, "status": status}) for status in _STATUSES)
        )
        return dict(zip(_STATUSES, counts, strict=True))

    async def _figures(self) -> dict[str, Any]:
        """Counted one by one, not derived from each other: documents, records on the log, documents whose event waits."""
        return {
            "stored": await self._store.count(store.COLLECTION, "by_minute", {}),
            "published": await ever_published(self._log, "classifier", (MESSAGES,)),
            "unpublished": len(await self._store.pending(store.COLLECTION, limit=_PENDING)),
        }

    async def _oldest(self) -> dict[str, str | None]:
        pending = await self._store.pending(store.COLLECTION, limit=1)
        return {
            "in_flight": await self._oldest_in_flight(),
            "unpublished": pending[0].body["received_at"] if pending else None,
            "dead": await oldest_letter(self._store),
            "parked": await oldest_parked(self._store, ("intake",)),
        }

    async def _oldest_in_flight(self) -> str | None:
        page = await self._store.page(store.COLLECTION, "awaiting", {"awaiting": store.AWAITED}, limit=1)
        return page.documents[0].body["received_at"] if page.documents else None
