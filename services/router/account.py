"""The router's side of the account: how many cases stand where. Counted, never reckoned as a remainder."""

import asyncio
from typing import Any, get_args
from uuid import UUID

from services.router import feed, store
from shared import clock
from shared.errors import LogUnavailable
from shared.events.catalog import CASES, FEED_GROUP, GROUPS, department_topic
from shared.events.words import Disposition
from shared.log.deadletters import DeadLetters
from shared.log.lag import ever_published
from shared.log.oldest import oldest_letter, oldest_parked
from shared.log.port import Log
from shared.pack.model import Pack
from shared.store.port import Store
from shared.store.relay import Relay

_PAGE = 500
_PENDING = 1000
"""So many documents whose events wait are counted; more is told as this."""


class Account:
    """Counts the cases."""

    def __init__(self, documents: Store, log: Log, relay: Relay, letters: dict[str, DeadLetters], pack: Pack) -> None:
        """`letters`: those of each consumer group."""
        self._store, self._log, self._relay, self._letters = documents, log, relay, letters
        self._topics = {"router": GROUPS["router"], FEED_GROUP: feed_topics(pack)}

    async def minute(self, minute: str) -> dict[str, Any]:
        """Count and XOR of the ids of the messages received in this minute (`2026-11-20T01:12`, UTC), for the audit."""
        count, mixed, cursor = 0, 0, None
        while True:
            page = await self._store.page(store.COLLECTION, "by_minute", {"minute": minute}, limit=_PAGE, after=cursor)
            for document in page.documents:
                count, mixed = count + 1, mixed ^ UUID(document.body["message_id"]).int
            if (cursor := page.cursor) is None:
                return {"minute": minute, "count": count, "xor": f"{mixed:032x}"}

    async def count(self) -> dict[str, Any]:
        """Cases of real and of test keys by disposition; what is dead, parked, unpublished or not yet read."""
        real, test = await self._dispositions(0), await self._dispositions(1)
        letters = [await each.count() for each in self._letters.values()]
        return {
            "service": "router",
            "at": clock.timestamp(),
            **await self._figures(),
            "opened": {"real": sum(real.values()), "test": sum(test.values())},
            "dispositions": {"real": real, "test": test},
            "in_triage": real["triage"] + test["triage"],
            "routed": real["department"] + test["department"],
            "dead": letters[0]["dead"],  # the letters of every group lie in one collection
            "parked": sum(each["parked"] for each in letters),
            "outbox": {"trouble": self._relay.error, "oldest": round(self._relay.oldest_pending(), 3)},
            "lag": {group: await self._lag(group) for group in self._topics},
            "oldest": await self._oldest(),
        }

    async def _figures(self) -> dict[str, Any]:
        """Counted one by one: cases, abstained ones, records in the departments' feeds, events that wait."""
        counts = await asyncio.gather(
            self._store.count(store.COLLECTION, "by_minute", {}),
            self._store.count(store.COLLECTION, "by_abstained", {"abstained": 1}),
            self._store.count(feed.COLLECTION, "by_offset", {}),
            self._store.pending(store.COLLECTION, limit=_PENDING),
        )
        stored, abstained, delivered, pending = counts
        return {"stored": stored, "abstained": abstained, "delivered": delivered, "unpublished": len(pending)} | {
            "published": await ever_published(self._log, "intake", (CASES,)),
        }

    async def _oldest(self) -> dict[str, str | None]:
        return {
            "in_triage": await self._oldest_case("triage"),
            "routed": await self._oldest_case("department"),
            "dead": await oldest_letter(self._store),
            "parked": await oldest_parked(self._store, self._letters),
        }

    async def _oldest_case(self, disposition: str) -> str | None:
        page = await self._store.page(store.COLLECTION, "by_disposition", {"disposition": disposition}, limit=1)
        return page.documents[0].body["opened_at"] if page.documents else None

    async def _dispositions(self, test: int) -> dict[str, int]:
        names = get_args(Disposition)
        prefixes = [{"test": test, "disposition": name} for name in names]
        counts = await asyncio.gather(*(self._store.count(store.COLLECTION, "by_account", prefix) for prefix in prefixes))
        return dict(zip(names, counts, strict=True))

    async def _lag(self, group: str) -> int | None:
        """How many records this group has not handled yet; None while the log cannot be asked."""
        try:
            lags = await self._log.lag(group, self._topics[group])
        except LogUnavailable:
            return None
        return sum(max(0, lag.end - lag.committed) for lag in lags.values())


def feed_topics(pack: Pack) -> tuple[str, ...]:
    """The topics of every department, retired ones too: their cases stay readable."""
    return tuple(department_topic(department.code) for department in pack.departments)
