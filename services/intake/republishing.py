"""Messages that have no case are published again, because an operator says so: downstream takes each as the same message."""

from collections.abc import Sequence
from typing import Any

from services.intake import store
from services.intake.auditing import BOOKS, breaches
from shared import clock
from shared.log.port import Log
from shared.observability import logging, metrics
from shared.store.port import Document, Store, Stored

_log = logging.get(__name__)
_PAGE = 500


class Republisher:
    """Finds what is missing and publishes it again."""

    def __init__(self, documents: Store, log: Log, *, after: float) -> None:
        """`after`: seconds until the reconciler looks at it again."""
        self._store, self._log, self._after = documents, log, after

    async def missing(self, cursor: str | None) -> dict[str, Any]:
        """A page of ids: first those that the audit found without a case, then those that the reconciler gave up."""
        page = await self._store.page(store.COLLECTION, "awaiting", {"awaiting": store.MISSING}, limit=_PAGE, after=cursor)
        found = [] if cursor else [one for book in await breaches(self._store) for one in book.body["missing"]]
        given_up = [one.id for one in page.documents]
        return {"ids": list(dict.fromkeys([*found, *given_up])), "cursor": page.cursor}

    async def republish(self, wanted: Sequence[str], by: str) -> dict[str, Any]:
        """Publish these again; what is unknown, or was not published a first time yet, is named instead."""
        documents = await self._store.get(store.COLLECTION, wanted)
        ready = [one for one in documents.values() if one.published >= one.sequence]
        lost = await self._without_a_case(ready)
        for one in ready:
            self._await_anew(one, caseless=one.id in lost)
        results = await self._store.replace(store.COLLECTION, ready) if ready else []
        mine = [one for one, result in zip(ready, results, strict=True) if isinstance(result, Stored)]
        await self._log.publish([record for one in mine for record in store.to_records(one, one.tail[-1])])
        metrics.REPUBLISHED.inc(len(mine))
        _log.warning("messages_republished", count=len(mine), by=by)
        told = {one.id for one in mine}
        unknown = [one for one in wanted if one not in documents]
        return {"republished": len(told), "unknown": unknown, "not_now": [one for one in documents if one not in told]}

    async def _without_a_case(self, documents: Sequence[Document]) -> set[str]:
        """Those of which the router has said that it has no case, whatever was heard before."""
        books = await self._store.get(BOOKS, list({one.body["minute"] for one in documents}))
        return {one for book in books.values() for one in book.body["missing"]}

    def _await_anew(self, document: Document, *, caseless: bool) -> None:
        body = document.body
        if caseless or body["case"] is None:  # a new case begins with number 1: what was heard of the lost one must not hide it
            body |= {"case": None, "status": "received", "awaiting": store.AWAITED}
            body |= {"tries": 0, "check_at": int(clock.now().timestamp() + self._after)}
