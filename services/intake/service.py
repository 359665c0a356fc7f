"""Taking messages in: make, store with its event, answer. What was answered 202 is never lost."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from services.intake import reading
from services.intake.answers import Outcome, Taken
from services.intake.duplicates import Repeats
from services.intake.fairness import FairQueue
from services.intake.links import LINKS
from services.intake.making import Fresh, Told
from services.intake.preparing import Draft, Preparer
from services.intake.reading import Posting
from shared.failpoints import failpoint
from shared.http.problems import Problem
from shared.store.port import Duplicate, Store, Stored
from shared.store.relay import Relay
from shared.store.workshop import Inserted, Workshop

_GROUP, _GROUP_BYTES = 16, 256 * 1024
"""Requests that are made and stored together, at most, and their size: small groups keep both processes at work."""
_Waiting: TypeAlias = tuple[Posting, asyncio.Future[list[Outcome]]]


class _Repeat(NamedTuple):
    place: int
    draft: Draft
    duplicate: Duplicate


class Intake:
    """The use cases of taking messages in."""

    def __init__(self, documents: Store, relay: Relay, preparer: Preparer, workshop: Workshop) -> None:
        self._store, self._relay, self._preparer, self._workshop = documents, relay, preparer, workshop
        self._repeats = Repeats(documents, relay, preparer)
        self._waiting: FairQueue[_Waiting] = FairQueue()
        self._gathering = False
        self._at_work = 0
        self._taking: set[asyncio.Task[None]] = set()

    async def take(self, posting: Posting) -> list[Outcome]:
        """Store every message of a request durably, together with what else arrives meanwhile: they share a call and a write.

        An outcome per message, in order; a refused one never hinders its neighbours. Raises the `Problem` of an unreadable body.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Outcome]] = loop.create_future()
        self._waiting.add(posting.key.name, (posting, done), len(posting.body))
        if not self._gathering:  # what arrives in the same turn of the loop goes together
            self._gathering = True
            loop.call_soon(self._form_groups)
        return await done

    def _form_groups(self) -> None:
        self._gathering = False
        while self._waiting and self._at_work < self._workshop.at_once:
            group = self._waiting.group(_GROUP, _GROUP_BYTES)
            self._at_work += 1
            task = asyncio.create_task(self._take_together(group))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take_together(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._outcomes([posting for posting, _ in group])
        except Exception as error:  # each who waits is told
            outcomes = [error] * len(group)
        for (_, done), outcome in zip(group, outcomes, strict=True):
            if done.done():  # whoever hung up meanwhile is not told
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

    async def _outcomes(self, postings: Sequence[Posting]) -> list[list[Outcome] | Exception]:
        try:
            await failpoint("intake.store")
            inserted = await self._workshop.insert(postings)
            await failpoint("intake.stored")
        finally:
            self._at_work -= 1
            self._form_groups()
        await self._pass_on([one for each in inserted for _, one, result in _fresh(each) if isinstance(result, Stored)])
        return [await self._settle(posting, one) for posting, one in zip(postings, inserted, strict=True)]

    async def _pass_on(self, kept: Sequence[Fresh]) -> None:
        """Publish what is stored, and store what it links."""
        self._relay.offer([one.offered() for one in kept])
        if found := [link for one in kept for link in one.links]:
            await self._store.insert(LINKS, found)  # a link that is known is a duplicate, and that is all right

    async def _settle(self, posting: Posting, inserted: Inserted) -> list[Outcome] | Exception:
        """What became of a request. A failure is of this request alone: its neighbours are stored."""
        told: Told = inserted.told
        if isinstance(told, Problem):
            return told
        placed = _fresh(inserted)
        collided = {place: result for place, one, result in placed if isinstance(result, Duplicate) and _lost(one, result)}
        try:
            settled = await self._repeated(posting, collided) if collided else {}
        except Exception as error:
            return error
        return [settled.get(place) or _taken(one) for place, one in enumerate(told)]

    async def _repeated(self, posting: Posting, collided: Mapping[int, Duplicate]) -> dict[int, Outcome]:
        """The outcomes of repeats, by place; their drafts are made anew. Those of one message are settled in order."""
        drafts = await asyncio.to_thread(reading.drafts, posting, self._preparer.pack)
        settled: dict[int, Outcome] = {}
        chains: dict[str, list[_Repeat]] = {}
        for place, duplicate in collided.items():
            draft = drafts[place]
            assert isinstance(draft, Draft)  # noqa: S101 - it was prepared
            chains.setdefault(duplicate.of, []).append(_Repeat(place, draft, duplicate))

        async def settle(chain: Sequence[_Repeat]) -> None:
            for one in chain:
                settled[one.place] = await self._repeats.settle(one.draft, one.duplicate)

        await asyncio.gather(*map(settle, chains.values()))
        return settled


def _fresh(inserted: Inserted) -> Iterator[tuple[int, Fresh, Stored | Duplicate]]:
    """Every message of a request that became a document, with its place and its result."""
    told: Told = inserted.told
    each = [] if isinstance(told, Problem) else enumerate(told)
    fresh = [(place, one) for place, one in each if isinstance(one, Fresh)]
    return ((place, one, result) for (place, one), result in zip(fresh, inserted.results, strict=True))


def _lost(one: Fresh, result: Duplicate) -> bool:
    """Whether another document has its place; a duplicate of its own id means that an ambiguous write has stored it."""
    return result.of != one.receipt.id


def _taken(one: Fresh | Problem) -> Outcome:
    return one if isinstance(one, Problem) else Taken(one.receipt, repeated=False)
