"""Taking messages in: prepare, store with its event, answer. What was answered 202 is never lost."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

from services.intake import store
from services.intake.duplicates import Outcome, Repeats, Taken
from services.intake.links import LINKS
from services.intake.preparing import Draft, Preparer
from shared.http.problems import Problem
from shared.observability import metrics
from shared.store.port import Document, Duplicate, Store, Stored
from shared.store.relay import Relay

_INLINE_BYTES = 32 * 1024
"""Up to here masking and sealing take a few milliseconds at most: less than handing them to a thread would cost all others."""
_Waiting: TypeAlias = tuple[Draft, asyncio.Future[Outcome]]


class Intake:
    """The use cases of taking messages in."""

    def __init__(self, documents: Store, relay: Relay, preparer: Preparer) -> None:
        self._store, self._relay, self._preparer = documents, relay, preparer
        self._repeats = Repeats(documents, relay, preparer)
        self._waiting: list[_Waiting] = []
        self._taking: set[asyncio.Task[None]] = set()

    async def take_one(self, draft: Draft) -> Outcome:
        """Store one draft durably, together with what else arrives in this turn of the event loop: they share a write."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((draft, done))
        if len(self._waiting) == 1:
            loop.call_soon(self._take_waiting)
        return await done

    def _take_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        task = asyncio.create_task(self._take_together(waiting))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _take_together(self, waiting: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self.take([draft for draft, _ in waiting])
        except Exception as error:
            for _, done in waiting:
                if not done.done():  # whoever hung up meanwhile is not told
                    done.set_exception(error)
            return
        for (_, done), outcome in zip(waiting, outcomes, strict=True):
            if not done.done():
                done.set_result(outcome)

    async def take(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Store each draft durably; an outcome per draft, in order. A refused one never hinders its neighbours."""
        prepared = await self._prepare(drafts)
        stored = await self._insert([item for item in prepared if isinstance(item, Document)])
        outcomes: list[Outcome] = []
        for draft, item in zip(drafts, prepared, strict=True):
            outcome = item if isinstance(item, Problem) else await self._settle(draft, item, stored[item.id])
            _count(draft, outcome)
            outcomes.append(outcome)
        return outcomes

    async def _prepare(self, drafts: Sequence[Draft]) -> list[Document | Problem]:
        if sum(len(draft.raw) for draft in drafts) <= _INLINE_BYTES:
            return [self._preparer.prepare(draft) for draft in drafts]
        return await asyncio.to_thread(lambda: [self._preparer.prepare(draft) for draft in drafts])

    async def _insert(self, documents: Sequence[Document]) -> dict[str, Stored | Duplicate]:
        if not documents:
            return {}
        results = await self._store_linked(documents, self._preparer.links(documents))
        self._relay.offer([one for one, result in zip(documents, results, strict=True) if isinstance(result, Stored)])
        return {one.id: result for one, result in zip(documents, results, strict=True)}

    async def _store_linked(self, documents: Sequence[Document], links: Sequence[Document]) -> list[Stored | Duplicate]:
        inserting = self._store.insert(store.COLLECTION, documents)
        if not links:
            return await inserting
        results, _ = await asyncio.gather(inserting, self._store.insert(LINKS, links))
        return results  # a link that is known is a duplicate, and that is all right

    async def _settle(self, draft: Draft, document: Document, result: Stored | Duplicate) -> Outcome:
        if isinstance(result, Stored) or result.of == document.id:
            return Taken(document, repeated=False)
        return await self._repeats.settle(draft, document, result)


def answer(outcome: Taken, base_url: str) -> dict[str, Any]:
    """The body of a 202: the same for the first submission and for every repeat of it."""
    body, identifier = outcome.document.body, outcome.document.id
    told: dict[str, Any] = {
        "id": identifier,
        "tracking_code": body["tracking_code"],
        "status": "received",
        "links": {"self": f"{base_url}/v1/messages/{identifier}", "track": f"{base_url}/v1/track/{body['tracking_code']}"},
    }
    if body["message"]["flags"]:
        told["flags"] = body["message"]["flags"]
    if not body["fingerprints"]:
        told["safe_to_repeat"] = False
        told["hint"] = "Posted again, this would be a second message: send an Idempotency-Key or an external_id."
    return told


def _count(draft: Draft, outcome: Outcome) -> None:
    if isinstance(outcome, Problem):
        metrics.child(metrics.REFUSED, outcome.slug).inc()
    elif outcome.repeated:
        metrics.child(metrics.REPEATED, draft.channel).inc()
    else:
        metrics.child(metrics.ACCEPTED, draft.channel).inc()
