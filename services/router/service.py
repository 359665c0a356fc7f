"""What is asked of cases over REST: load the case, ask the rules, save what follows."""

import hashlib
from dataclasses import dataclass
from typing import assert_never

import orjson

from services.router import life, refusals, store, views
from services.router.acts import NAMES, Accept, Act, Decide, Resolve, Return, mistakes
from services.router.life import Step
from services.router.model import Body, NewEvent, Routed, holder, is_test, seen_until
from services.router.rules import Rules
from shared import clock
from shared.events.messages import Classification, Message
from shared.failpoints import failpoint
from shared.http.auth import Key
from shared.store import outbox
from shared.store.outbox import history
from shared.store.port import Document, Store, Stored
from shared.store.relay import Relay

_TRIES = 5
_REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class Order:
    """An act that somebody wants done."""

    case: str
    """The case's id or number."""
    act: Act
    key: Key
    idempotency_key: str | None = None
    versions: frozenset[int] | None = None
    """The versions of `If-Match`; None: any."""

    @property
    def name(self) -> str:
        """What the state table calls the act."""
        return NAMES[type(self.act)]

    @property
    def claim(self) -> str | None:
        """Two callers may use the same key for different things."""
        return f"{self.key.name}:{self.idempotency_key}" if self.idempotency_key else None

    def fingerprint(self) -> str:
        """What was asked, in short."""
        return hashlib.sha256(orjson.dumps([self.name, self.act.model_dump()])).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it, at which version of the case."""

    body: Body
    version: int
    replayed: bool = False


class Desk:
    """Everything that people do with a case."""

    def __init__(self, documents: Store, relay: Relay, rules: Rules) -> None:
        self._store, self._relay, self._rules = documents, relay, rules

    async def show(self, ref: str, key: Key) -> tuple[Body, int | None]:
        """The case as this key may see it, and its version where the key may act on it."""
        document = await self._load(ref, key)
        told = await history(self._store, document)
        if key.role == "operator":
            return views.whole(document, told), document.version
        shown = views.as_department(document, told, seen_until(document.body, key.scope))
        return shown, shown.get("version")

    async def perform(self, order: Order) -> Answer:
        """Do it, once. Raises a problem that names the state when the state does not allow it."""
        for _ in range(_TRIES):
            document = await self._load(order.case, order.key)
            if answer := _remembered(document, order):
                return answer
            _check(document, order)
            answer = await self._apply(document, order)
            await failpoint("router.act")
            (result,) = await outbox.save(self._store, store.COLLECTION, [document])
            await failpoint("router.acted")
            if isinstance(result, Stored):
                self._relay.offer([document])
                return answer
        raise refusals.busy()

    async def _load(self, ref: str, key: Key) -> Document:
        """The case, if this key may know of it."""
        document = await store.load(self._store, ref)
        if document is None or (key.role == "department" and not seen_until(document.body, key.scope)):
            raise refusals.no_such_case(ref)
        return document

    async def _apply(self, document: Document, order: Order) -> Answer:
        now = clock.timestamp()
        events = await self._events(document, order.act, Step(order.key.name, now, document.sequence))
        store.append(document, events, now=now)
        answer = Answer(views.after_act(document.body, document.version + 1), document.version + 1)
        if order.claim:
            acts = document.body.get("acts", [])
            entry = {"key": order.claim, "fingerprint": order.fingerprint(), "answer": answer.body, "version": answer.version}
            document.body["acts"] = [*acts, entry][-_REMEMBERED:]
        return answer

    async def _events(self, document: Document, act: Act, step: Step) -> list[NewEvent]:
        match act:
            case Accept():
                return life.accept(document.body, act, self._rules.due_once_accepted(document.body["due"], step.now), step)
            case Return():
                return life.give_back(document.body, act, step)
            case Resolve():
                return life.resolve(document.body, act, step)
            case Decide():
                return await self._decide(document.body, act, step)
            case _:
                assert_never(act)

    async def _decide(self, case: Body, act: Decide, step: Step) -> list[NewEvent]:
        if wrong := mistakes(act):
            raise refusals.wrong_fields(wrong)
        if act.department:
            return life.decide(case, act, self._to_department(case, act.department, act.reason), step)
        if act.case:
            act = act.model_copy(update={"case": await self._joinable(case, act.case)})
        return life.decide(case, act, None, step)

    def _to_department(self, case: Body, department: str, reason: str | None) -> Routed:
        if not self._rules.fits(department, test=is_test(case)):
            raise refusals.wrong_department(department, test=is_test(case))
        why = {"rule": "decision", "zh": reason or "由派单人员决定", "en": reason or "An operator decided"}
        message, classification = Message.model_validate(case["message"]), Classification.model_validate(case["classification"])
        return Routed(department, (), why, self._rules.due(message, classification, clock.now()))

    async def _joinable(self, case: Body, ref: str) -> str:
        """The id of the case to join."""
        target = await store.load(self._store, ref)
        if target is None:
            raise refusals.wrong_fields({"case": f"There is no case {ref[:60]!r}: give the id or the number of one."})
        if target.id == case["id"]:
            raise refusals.wrong_fields({"case": "A case cannot be joined to itself: name the other one."})
        if joined := target.body.get("joined_to"):
            raise refusals.wrong_fields({"case": f"That case is itself joined to {joined}: join this one there."})
        return target.id


def _remembered(document: Document, order: Order) -> Answer | None:
    """The first answer, when this is a repeat."""
    for entry in document.body.get("acts", ()):
        if entry["key"] == order.claim:
            if entry["fingerprint"] != order.fingerprint():
                raise refusals.key_reused()
            return Answer(entry["answer"], entry["version"], replayed=True)
    return None


def _check(document: Document, order: Order) -> None:
    case = document.body
    if order.key.role == "department" and holder(case) not in order.key.scope:
        own = [leg for leg in case["legs"] if leg["department"] in order.key.scope]
        raise refusals.turn_over(case, own[-1]["outcome"])
    if order.versions is not None and document.version not in order.versions:
        raise refusals.another_version(document.version)
    if order.name not in life.allowed(case["state"]):
        raise refusals.not_allowed(order.name, case)
