"""Submissions that are known already: repeats get the first answer, a higher revision amends, another body is refused."""

import asyncio

from services.intake import store
from services.intake.answers import Outcome, Taken, receipt
from services.intake.links import LINKS
from services.intake.preparing import Draft, Preparer
from shared import clock
from shared.failpoints import failpoint
from shared.http.problems import Problem, fault
from shared.store import outbox
from shared.store.port import Document, Duplicate, Store, Stored
from shared.store.relay import Relay

_TRIES = 10


class Repeats:
    """Settles a draft whose document collided with one that is stored."""

    def __init__(self, documents: Store, relay: Relay, preparer: Preparer) -> None:
        self._store, self._relay, self._preparer = documents, relay, preparer

    async def settle(self, draft: Draft, duplicate: Duplicate) -> Outcome:
        """The first answer again, an amendment, or a problem that says what does not fit."""
        for _ in range(_TRIES):
            if (duplicate.key or "").startswith("t:"):
                return await self._another(draft)
            known = (await self._store.get(store.COLLECTION, [duplicate.of])).get(duplicate.of)
            if known is None:  # it went away between the two: the next insert decides
                return await self._another(draft)
            settled = self._compare(draft, known)
            if isinstance(settled, Taken):
                await self._link(known)  # the first time may have failed just before this
            if settled is not None:
                return settled
            refused = self._preparer.amend(draft, known)
            if refused:
                return refused
            if await self._save(draft, known):
                return Taken(receipt(known), repeated=False)
        raise Problem(409, "busy", "This message is being changed by others at the moment: send the request again.")

    def _compare(self, draft: Draft, known: Document) -> Outcome | None:
        """None: it amends."""
        offered, kept = self._preparer.fingerprints(draft), known.body["fingerprints"]
        shared = offered.keys() & kept.keys()
        if any(offered[name] != kept[name] for name in shared):
            return _other_body(draft, shared)
        if shared:
            return Taken(receipt(known), repeated=True)
        if draft.submission.revision < known.body["message"]["revision"]:
            return _outdated(draft, known)
        return None

    async def _save(self, draft: Draft, amended: Document) -> bool:
        at = clock.timestamp()
        event = store.received_event(amended.body["message"], at, self._preparer.pack_version, draft.traceparent)
        outbox.append(amended, [event])
        await failpoint("intake.amend")
        (result,) = await outbox.save(self._store, store.COLLECTION, [amended])
        await failpoint("intake.amended")
        if not isinstance(result, Stored):
            return False
        self._relay.offer([amended])
        await self._link(amended)
        return True

    async def _link(self, known: Document) -> None:
        """Store what it links; what is known already is a duplicate, and that is all right."""
        if found := self._preparer.links([known]):
            await self._store.insert(LINKS, found)

    async def _another(self, draft: Draft) -> Outcome:
        """Two messages drew the same tracking code (or a race resolved itself): prepare it again, with another one."""
        document = await asyncio.to_thread(self._preparer.prepare, draft)
        if isinstance(document, Problem):
            return document
        (result,) = await self._store.insert(store.COLLECTION, [document])
        if isinstance(result, Stored):
            self._relay.offer([document])
            await self._link(document)
            return Taken(receipt(document), repeated=False)
        return await self.settle(draft, result)


def _other_body(draft: Draft, names: set[str]) -> Problem:
    if any(name.startswith(("k:", "tk:")) for name in names):
        detail = "This Idempotency-Key was used for another body. Repeat the first body, or use a new key for a new message."
        return Problem(422, "idempotency-key-reused", detail, errors=[fault("header/Idempotency-Key", detail)])
    detail = (
        f"Revision {draft.submission.revision} of external_id {draft.submission.external_id!r} is stored with another body. "
        "To amend the message raise revision; for a new message use a new external_id."
    )
    return Problem(422, "external-id-reused", detail, errors=[fault("/external_id", detail)])


def _outdated(draft: Draft, known: Document) -> Problem:
    current = known.body["message"]["revision"]
    detail = (
        f"The message is at revision {current} already; revision {draft.submission.revision} comes too late. Send {current + 1}."
    )
    return Problem(422, "outdated-revision", detail, errors=[fault("/revision", detail)], revision=current)
