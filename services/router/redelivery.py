"""A turn that nobody has taken up is told to its department again: the same event, with the same number.

From the router on, each department's deliveries have an account of their own: a log that lost the record, or a
department that lost it after reading, gets the case all the same.
"""

from datetime import datetime

from services.router import store
from services.router.model import Body, open_leg
from shared import clock
from shared.errors import Transient
from shared.events.catalog import department_topic
from shared.log.port import Log, Record
from shared.observability import logging, metrics
from shared.store.outbox import history
from shared.store.port import Document, Store

_log = logging.get(__name__)
_TIMES = 5
_PAGE = 200


class Redelivery:
    """Looks at a page of waiting turns at a time. The wait doubles: after 1, 2, 4, 8 and 16 times `after` seconds."""

    def __init__(self, documents: Store, log: Log, *, after: float) -> None:
        self._store, self._log, self._after = documents, log, after
        self._started = clock.now()
        self._cursor: str | None = None
        self._told: dict[str, int] = {}
        """How often the turns of this round through the waiting cases were told again, by case."""
        self._next: dict[str, int] = {}

    async def run_once(self) -> None:
        """Tell what is due on the next page of cases that no department has accepted; the log or the store may be away."""
        try:
            await self._tell_page()
        except Transient as error:
            _log.warning("turns_not_told_again", reason=str(error))

    async def _tell_page(self) -> None:
        page = await self._store.page(store.COLLECTION, "by_state", {"state": "routed"}, limit=_PAGE, after=self._cursor)
        records = [record for document in page.documents for record in await self._due(document, clock.now())]
        if records:
            await self._log.publish(records)
            metrics.REPUBLISHED.inc(len(records))
            _log.warning("turns_told_again", count=len(records))
        self._cursor = page.cursor
        if page.cursor is None:
            self._told, self._next = self._next, {}

    async def _due(self, document: Document, now: datetime) -> list[Record]:
        leg = open_leg(document.body)
        if leg is None or document.published < leg["from_sequence"]:
            return []  # the outbox has not even told it once
        name = f"{document.id}/{leg['from_sequence']}"
        times = self._times(leg, now)
        told = self._told.get(name, self._times(leg, self._started))  # what an earlier process may have told counts
        self._next[name] = times
        return await self._records(document, leg) if times > told else []

    def _times(self, leg: Body, now: datetime) -> int:
        """How often this turn should have been told again by now."""
        age = (now - datetime.fromisoformat(leg["given_at"])).total_seconds()
        return sum(age >= self._after * 2**time for time in range(_TIMES))

    async def _records(self, document: Document, leg: Body) -> list[Record]:
        told = next(event for event in await history(self._store, document) if event["sequence"] == leg["from_sequence"])
        topic = department_topic(leg["department"])
        return [record for record in store.to_records(document, told) if record.topic == topic]
