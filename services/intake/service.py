"""Taking messages in: prepare, store with its event, answer. What was answered 202 is never lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from services.intake import reading, store
from services.intake.duplicates import Outcome, Repeats, Taken
from services.intake.fairness import FairQueue
from services.intake.links import LINKS
from services.intake.preparers import Prepared, Preparers
from services.intake.preparing import Draft, Preparer
from services.intake.reading import Posting
from shared.failpoints import failpoint
from shared.http.problems import Problem
from shared.observability import metrics
from shared.store.port import Document, Duplicate, Store, Stored
from shared.store.relay import Relay

_GROUP, _GROUP_BYTES = 16, 256 * 1024
"""Requests that are prepared and stored together, at most, and their size: small groups keep both processes at work."""
_AT_ONCE = 4
"""Groups in preparation: one at work, the others on their way."""
_TAKEN_AT_ONCE = 24
"""Groups in preparation or being stored: what is beyond waits in its key's line, where turns are fair."""
_Waiting: TypeAlias = tuple[Posting, asyncio.Future[list[Outcome]]]


class _Repeat(NamedTuple):
    place: int
    draft: Draft
    document: Document
    duplicate: Duplicate


class Intake:
    """The use cases of taking messages in."""

    def __init__(self, documents: Store, relay: Relay, preparer: Preparer, preparers: Preparers) -> None:
        self._store, self._relay, self._preparer, self._preparers = documents, relay, preparer, preparers
        self._repeats = Repeats(documents, relay, preparer)
        self._waiting: FairQueue[_Waiting] = FairQueue()
        self._preparing = 0
        self._taking: set[asyncio.Task[None]] = set()

    async def take(self, posting: Posting) -> list[Outcome]:
        """Store every message of a request durably, together with what else arrives meanwhile: they share a call and a write.

        An outcome per message, in order; a refused one never hinders its neighbours. Raises the `Problem` of an unreadable body.
        """
        done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.add(posting.key.name, (posting, done), len(posting.body))
        self._prepare_next()
        return await done

    def _prepare_next(self) -> None:
        """One group is prepared while the one before it is stored and the next one gathers."""
        if self._waiting and self._preparing < _AT_ONCE and len(self._taking) < _TAKEN_AT_ONCE:
            group = self._waiting.group(_GROUP, _GROUP_BYTES)
            self._preparing += 1
            task = asyncio.create_task(self._take_together(group))
            self._taking.add(task)
            task.add_done_callback(self._taken)

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking.discard(task)
        self._prepare_next()

    async def _take_together(self, group: Sequence[_Waiting]) -> None:
        try:
            prepared = await self._prepare([posting for posting, _ in group])
            outcomes = await self._store_all([posting for posting, _ in group], prepared)
        except Exception as error:  # each who waits is told
            outcomes = [error] * len(group)
        for (_, done), outcome in zip(group, outcomes, strict=True):
            if done.done():  # whoever hung up meanwhile is not told
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

    async def _prepare(self, postings: Sequence[Posting]) -> list[Prepared | Problem]:
        try:
            return await self._preparers.prepare(postings)
        finally:
            self._preparing -= 1
            self._prepare_next()

    async def _store_all(
        self, postings: Sequence[Posting], prepared: Sequence[Prepared | Problem]
    ) -> list[list[Outcome] | Exception]:  # fmt: skip
        documents = [item for one in prepared if isinstance(one, list) for item in one if isinstance(item, Document)]
        await failpoint("intake.store")
        stored = await self._insert(documents)
        await failpoint("intake.stored")
        settling = (self._settle(posting, one, stored) for posting, one in zip(postings, prepared, strict=True))
        return [await each for each in settling]

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

    async def _settle(
        self, posting: Posting, prepared: Prepared | Problem, stored: Mapping[str, Stored | Duplicate]
    ) -> list[Outcome] | Exception:  # fmt: skip
        """What became of a request. A failure is of this request alone: its neighbours are stored."""
        if isinstance(prepared, Problem):
            return prepared
        collided = [
            (place, one) for place, one in enumerate(prepared) if isinstance(one, Document) and _lost(one, stored[one.id])
        ]
        try:
            settled = await self._repeated(posting, collided, stored) if collided else {}
        except Exception as error:
            return error
        return [settled.get(place) or _taken(one) for place, one in enumerate(prepared)]

    async def _repeated(
        self, posting: Posting, collided: Sequence[tuple[int, Document]], stored: Mapping[str, Stored | Duplicate]
    ) -> dict[int, Outcome]:  # fmt: skip
        """The outcomes of repeats, by place; their drafts are made anew. Those of one message are settled in order."""
        drafts = await asyncio.to_thread(reading.drafts, posting, self._preparer.pack)
        settled: dict[int, Outcome] = {}
        chains: dict[str, list[_Repeat]] = {}
        for place, document in collided:
            draft, duplicate = drafts[place], stored[document.id]
            assert isinstance(draft, Draft)  # noqa: S101 - it was prepared
            assert isinstance(duplicate, Duplicate)  # noqa: S101 - it collided
            chains.setdefault(duplicate.of, []).append(_Repeat(place, draft, document, duplicate))

        async def settle(chain: Sequence[_Repeat]) -> None:
            for one in chain:
                settled[one.place] = await self._repeats.settle(one.draft, one.document, one.duplicate)

        await asyncio.gather(*map(settle, chains.values()))
        return settled


def _lost(document: Document, result: Stored | Duplicate) -> bool:
    """Whether another document has its place; a duplicate of its own id means that an ambiguous write has stored it."""
    return isinstance(result, Duplicate) and result.of != document.id


def _taken(item: Document | Problem) -> Outcome:
    return item if isinstance(item, Problem) else Taken(item, repeated=False)


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


def count(outcome: Outcome) -> None:
    """Count what became of a message."""
    if isinstance(outcome, Problem):
        metrics.child(metrics.REFUSED, outcome.slug).inc()
    else:
        instrument = metrics.REPEATED if outcome.repeated else metrics.ACCEPTED
        metrics.child(instrument, outcome.document.body["message"]["channel"]).inc()
