"""The books of intake and router are held against each other, minute by minute, over the log.

Intake asks for each minute that is five minutes old: how many messages of it have a case, and what is the XOR of the cases'
ids? Where the answer is not what intake has, it asks again with every id, and learns which have none. Those that are dead
letters are accounted for; the others are a breach, until they have a case (`yijian account --repair`). While the groups
in between are behind, nothing is asked: what is missing then is merely waiting.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from services.intake import store
from shared import clock, ids
from shared.events.audits import ASKED, MOST_IDS, Answered, Asked
from shared.events.catalog import AUDITS
from shared.events.envelope import Event, to_record
from shared.events.messages import Data
from shared.log.port import Log
from shared.observability import logging, metrics
from shared.observability.invariants import Digest, digest, minute_of, minutes_due
from shared.store.port import Collection, Document, Index, Store

_log = logging.get(__name__)
BOOKS = Collection("audits", (Index("by_state", ("state", "minute")),))
"""The minutes about which a question is open, and where the asking has come to."""
ASKING, BREACH = "asking", "breach"
_LATEST = "latest"
_AGAIN_SECONDS = 60
_MINUTES_A_ROUND = 200
_PAGE = 200
_IDS_IN_A_LOG_LINE = 50


class Auditor:
    """Asks, compares, and knows what is missing."""

    def __init__(self, documents: Store, log: Log, is_behind: Callable[[], Awaitable[bool]], *, after: float) -> None:
        """`after`: seconds until a minute has to agree."""
        self._store, self._log, self._is_behind, self._after = documents, log, is_behind, timedelta(seconds=after)
        self._breach: str | None = None

    async def check(self) -> None:
        """Raise RuntimeError while messages are known to have no case."""
        if self._breach:
            raise RuntimeError(self._breach)

    async def run_once(self, now: datetime | None = None) -> None:
        """Ask about the minutes that are due, and again about those that did not agree."""
        now = now or clock.now()
        await self._remember_breaches()
        if await self._is_behind():
            return
        again = [one.id for one in await self._open() if one.body["asked_at"] <= now.timestamp() - _AGAIN_SECONDS]
        new = await self._new_minutes(now - self._after)
        await self._ask([*again, *new], int(now.timestamp()))
        if new:
            await self._keep(Document(_LATEST, {"state": None, "minute": new[-1]}))

    async def hear(self, answers: Sequence[Data]) -> None:
        """Hold these answers against what is here."""
        for answered in answers:
            book = isinstance(answered, Answered) and (await self._store.get(BOOKS, [answered.minute])).get(answered.minute)
            if book and isinstance(answered, Answered):
                await (self._compare(book, answered) if answered.part is None else self._collect(book, answered))

    async def _compare(self, book: Document, answered: Answered) -> None:
        accepted = await self._accepted(book.id)
        ours = digest(map(ids.case_id, accepted))
        if ours == Digest(answered.count, answered.xor):
            await self._settle(book)
            return
        parts = [accepted[start : start + MOST_IDS] for start in range(0, len(accepted), MOST_IDS)]
        book.body |= {"parts": len(parts), "found": {}, "surplus": answered.count - len(accepted)}
        if parts:
            await self._keep(book)
            await self._publish([Asked(minute=book.id, part=number, ids=tuple(part)) for number, part in enumerate(parts)])
        else:
            await self._conclude(book)

    async def _collect(self, book: Document, answered: Answered) -> None:
        book.body["found"] = book.body.get("found", {}) | {str(answered.part): list(answered.missing)}
        if len(book.body["found"]) < book.body.get("parts", 0):
            await self._keep(book)
        else:
            await self._conclude(book)

    async def _conclude(self, book: Document) -> None:
        """Every id was asked for: what has no case and is no dead letter is missing."""
        without = list(chain.from_iterable(book.body["found"].values()))
        documents = await self._store.get(store.COLLECTION, without)
        missing = [one for one in without if one in documents and documents[one].body["status"] != "dead"]
        surplus = book.body["surplus"] + len(without)
        if not missing and surplus <= 0:
            await self._settle(book)
            return
        book.body |= {"state": BREACH, "missing": missing, "surplus": surplus}
        await self._keep(book)
        shown = missing[:_IDS_IN_A_LOG_LINE]
        _log.error("account_breached", minute=book.id, missing=len(missing), ids=shown, cases_of_no_message=max(0, surplus))
        await self._remember_breaches()

    async def _settle(self, book: Document) -> None:
        await self._store.delete(BOOKS, [book.id])
        if book.body["state"] == BREACH:
            _log.info("account_mended", minute=book.id)
            await self._remember_breaches()

    async def _remember_breaches(self) -> None:
        books = await breaches(self._store)
        missing = sum(len(book.body["missing"]) for book in books)
        metrics.BREACHED_MINUTES.set(len(books))
        metrics.MISSING_CASES.set(missing)
        first = f"the first at {books[0].id}; " if books else ""
        what = f"{missing} messages of {len(books)} minutes have no case, {first}mend it with: yijian account --repair"
        self._breach = what if books else None

    async def _open(self) -> list[Document]:
        page = await self._store.page(BOOKS, "by_state", {"state": ASKING}, limit=_PAGE)
        return [*page.documents, *await breaches(self._store)]

    async def _new_minutes(self, until: datetime) -> list[str]:
        latest = (await self._store.get(BOOKS, [_LATEST])).get(_LATEST)
        after = latest.body["minute"] if latest else await self._before_the_first()
        return list(minutes_due(after, until, most=_MINUTES_A_ROUND)) if after else []

    async def _before_the_first(self) -> str | None:
        page = await self._store.page(store.COLLECTION, "by_minute", {}, limit=1)
        if not page.documents:
            return None
        return minute_of(datetime.fromisoformat(page.documents[0].body["minute"] + "Z") - timedelta(minutes=1))

    async def _ask(self, minutes: Sequence[str], at: int) -> None:
        known = await self._store.get(BOOKS, minutes)
        for minute in minutes:
            book = known.get(minute) or Document(minute, {"minute": minute, "state": ASKING, "missing": []})
            book.body["asked_at"] = at
            await self._keep(book)
        await self._publish([Asked(minute=minute) for minute in minutes])

    async def _keep(self, book: Document) -> None:
        """Whoever is faster wins: what is lost is asked again in a minute."""
        known = book if book.version else (await self._store.get(BOOKS, [book.id])).get(book.id)
        if known is None:
            await self._store.insert(BOOKS, [book])
        else:
            known.body = book.body
            await self._store.replace(BOOKS, [known])

    async def _accepted(self, minute: str) -> list[str]:
        return await self._store.ids(store.COLLECTION, "by_minute", {"minute": minute})

    async def _publish(self, questions: Sequence[Asked]) -> None:
        if questions:
            await self._log.publish([to_record(_event(asked), AUDITS) for asked in questions])


async def breaches(documents: Store) -> list[Document]:
    """The minutes of which messages are missing, oldest first."""
    return (await documents.page(BOOKS, "by_state", {"state": BREACH}, limit=_PAGE)).documents


def _event(asked: Asked) -> Event:
    data: dict[str, Any] = asked.model_dump()
    return Event(id=ids.new_id(), type=ASKED, source=store.SOURCE, subject=asked.minute, time=clock.timestamp(), data=data)
