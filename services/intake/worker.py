"""What intake does in the background: follow the cases, and publish again what was not routed in time."""

from collections.abc import Sequence

from services.intake import following, store
from shared import clock
from shared.errors import BadRecord, StoreUnavailable
from shared.events.catalog import GROUPS
from shared.failpoints import failpoint
from shared.log.loop import Incoming
from shared.log.port import Log
from shared.observability import logging, metrics
from shared.store.port import Conflict, Document, Store, Stored

_log = logging.get(__name__)
_TRIES = 5
_PAGE = 500
_BEHIND_SECONDS = 10


class Follower:
    """Handles events of cases: one read and one write per batch."""

    def __init__(self, documents: Store) -> None:
        self._store = documents

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Apply a batch. Raises `BadRecord` when an event is about a message that was never taken in here."""
        waiting = _by_message(batch)
        for _ in range(_TRIES):
            waiting = await self._apply(waiting)
            if not waiting:
                return
        raise StoreUnavailable("messages keep changing while their cases are followed")

    async def _apply(self, events: dict[str, list[Incoming]]) -> dict[str, list[Incoming]]:
        """Apply to every message; those whose document was changed by somebody else meanwhile."""
        documents = await self._store.get(store.COLLECTION, list(events))
        unknown = events.keys() - documents.keys()
        if unknown:
            raise BadRecord(f"the message {min(unknown)[:60]!r} was never taken in here ({len(unknown)} such in the batch)")
        missed = sum(map(following.missed, documents.values()))
        changed = [document for document in documents.values() if following.apply(document, events[document.id])]
        await failpoint("intake.follow")
        results = await self._store.replace(store.COLLECTION, changed) if changed else []
        metrics.MISSED_EVENTS.inc(sum(map(following.missed, documents.values())) - missed)
        await failpoint("intake.followed")
        return {one.id: events[one.id] for one, result in zip(changed, results, strict=True) if isinstance(result, Conflict)}


def _by_message(batch: Sequence[Incoming]) -> dict[str, list[Incoming]]:
    grouped: dict[str, list[Incoming]] = {}
    for item in batch:
        grouped.setdefault(following.message_id(item), []).append(item)
    return grouped


class Reconciler:
    """Publishes a message again that nobody has been heard of, so that even a log that loses records loses no opinion.

    Only when neither downstream group is behind: else the message is merely waiting. The wait doubles; after five
    times the message is `missing` in the account.
    """

    def __init__(self, documents: Store, log: Log, *, after: float) -> None:
        self._store, self._log, self._after = documents, log, after

    async def run_once(self) -> None:
        """Look at the messages whose time has come."""
        now = int(clock.now().timestamp())
        due = await self._due(now)
        if not due or await self.downstream_is_behind():
            return
        for one in due:
            self._count(one, now)
        results = await self._store.replace(store.COLLECTION, due)  # who loses is heard of now, or another process was faster
        await self._publish([one for one, result in zip(due, results, strict=True) if isinstance(result, Stored)])

    async def _publish(self, mine: Sequence[Document]) -> None:
        if mine:
            await self._log.publish([record for one in mine for record in store.to_records(one, one.tail[-1])])
            metrics.REPUBLISHED.inc(len(mine))
            _log.warning("messages_published_again", count=len(mine), first=mine[0].id)

    async def _due(self, now: int) -> list[Document]:
        page = await self._store.page(store.COLLECTION, "awaiting", {"awaiting": store.AWAITED}, limit=_PAGE)
        return [one for one in page.documents if one.body["check_at"] <= now and one.published >= one.sequence]

    async def downstream_is_behind(self) -> bool:
        """A backlog means that the message may merely be waiting in it, so an hour's backlog is not sent twice. Intake's own
        counts too: what the router has told long ago may not be read here yet."""
        now = clock.now().timestamp()
        for group in ("classifier", "router", "intake"):
            for lag in (await self._log.lag(group, GROUPS[group])).values():
                if lag.committed < lag.end and (lag.oldest_uncommitted is None or lag.oldest_uncommitted < now - _BEHIND_SECONDS):
                    return True
        return False

    def _count(self, document: Document, now: int) -> None:
        body = document.body
        body["tries"] += 1
        body["check_at"] = now + int(self._after * 2 ** body["tries"])
        if body["tries"] >= _TRIES:
            body["awaiting"] = store.MISSING
            _log.error("message_missing", message=document.id)
