"""What the router does with classified messages: open their cases, or bring a later revision to the department."""

from collections.abc import Sequence
from datetime import datetime

from services.router import life, store
from services.router.life import Step
from services.router.model import Number, new_case
from services.router.rules import Rules
from services.router.store import Numbers
from shared import clock, ids
from shared.errors import BadRecord, StoreUnavailable
from shared.events.catalog import CASES
from shared.events.messages import Classified
from shared.failpoints import failpoint
from shared.log.loop import Incoming
from shared.log.port import Log
from shared.observability import metrics
from shared.store import outbox
from shared.store.outbox import Relay
from shared.store.port import Conflict, Document, Duplicate, Store, Stored

_BY = "router"
_TRIES = 5


class Opener:
    """Handles `yijian.classified`: one write per batch, usually."""

    def __init__(self, documents: Store, log: Log, relay: Relay, rules: Rules, numbers: Numbers) -> None:
        self._store, self._log, self._relay, self._rules, self._numbers = documents, log, relay, rules, numbers

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """A case for every message that has none. The first classification of a message stays; what comes again is a
        repeat, or a later revision of the message."""
        first: dict[str, Incoming] = {}
        again: list[Incoming] = []
        for item in batch:
            if first.setdefault(_case_id(item), item) is not item:
                again.append(item)
        known = await self._open(first)
        await self._amend([first[case_id] for case_id in known] + again)

    async def _open(self, waiting: dict[str, Incoming]) -> list[str]:
        """Open these cases; the ids of those that are open already."""
        known: list[str] = []
        for _ in range(_TRIES):
            documents = await self._documents(waiting)
            await failpoint("router.store")
            results = await self._store.insert(store.COLLECTION, documents)
            await failpoint("router.stored")
            self._announce([one for one, result in zip(documents, results, strict=True) if isinstance(result, Stored)])
            owners = {one.id: result.of for one, result in zip(documents, results, strict=True) if isinstance(result, Duplicate)}
            known += [case_id for case_id, owner in owners.items() if owner == case_id]
            waiting = {case_id: waiting[case_id] for case_id, owner in owners.items() if owner != case_id}
            if not waiting:
                return known
            self._numbers.skip()
        raise StoreUnavailable("the case numbers that were allotted are taken")

    async def _documents(self, items: dict[str, Incoming]) -> list[Document]:
        now = clock.now()
        numbers = await self._numbers.take(len(items), now)
        return [self._document(case_id, item, name, now) for (case_id, item), name in zip(items.items(), numbers, strict=True)]

    def _document(self, case_id: str, item: Incoming, name: Number, now: datetime) -> Document:
        message, classification = _data(item).message, _data(item).classification
        at = clock.timestamp(now)
        case = new_case(case_id, name, message.model_dump(), classification.model_dump(), at)
        case["pack"] = self._rules.pack_version
        document = store.new_document(case)
        events = life.begin(case, self._rules.route(message, classification, now), Step(_BY, at, 0))
        store.append(document, events, now=at, source=item.event.id, traceparent=item.event.traceparent)
        return document

    def _announce(self, documents: Sequence[Document]) -> None:
        self._relay.offer(documents)
        for document in documents:
            metrics.CASES.labels(document.body["disposition"]).inc()

    async def _amend(self, items: Sequence[Incoming]) -> None:
        """Take over later revisions. A first revision cannot be later than what is stored: it is a repeat."""
        later = [item for item in items if _data(item).message.revision > 1]
        for _ in range(_TRIES):
            if not later:
                return
            later = await self._try_to_amend(later)
        raise StoreUnavailable("cases keep changing while their messages are amended")

    async def _try_to_amend(self, items: Sequence[Incoming]) -> list[Incoming]:
        """Amend; those whose case was changed by somebody else meanwhile."""
        documents = await self._store.get(store.COLLECTION, list({_case_id(item) for item in items}))
        changed = dict.fromkeys(_case_id(item) for item in items if _amended(documents[_case_id(item)], item))
        written = [documents[case_id] for case_id in changed]
        results = await outbox.save(self._store, store.COLLECTION, written) if written else []
        lost = {one.id for one, result in zip(written, results, strict=True) if isinstance(result, Conflict)}
        self._relay.offer([one for one in written if one.id not in lost])
        await self._tell_again([one for one in documents.values() if one.id not in changed and one.published >= one.sequence])
        return [item for item in items if _case_id(item) in lost]

    async def _tell_again(self, documents: Sequence[Document]) -> None:
        """Where these cases stand: who sends an amendment once more may not have heard of it."""
        records = [record for one in documents for record in store.to_records(one, one.tail[-1]) if record.topic == CASES]
        if records:
            await self._log.publish(records)


def _amended(document: Document, item: Incoming) -> bool:
    """Whether this revision of the message is later than the case's; it is then in the document."""
    now = clock.timestamp()
    events = life.amend(document.body, _data(item).message.model_dump(), Step(_BY, now, document.sequence))
    store.append(document, events, now=now, source=item.event.id, traceparent=item.event.traceparent)
    return bool(events)


def _data(item: Incoming) -> Classified:
    if not isinstance(item.data, Classified):
        raise BadRecord(f"{item.event.type} is no classified message")
    return item.data


def _case_id(item: Incoming) -> str:
    return ids.case_id(_data(item).message.id)
