"""A case's life: which act each state allows, and what it makes of the case. Pure.

Every function here changes the case's body and returns the events that tell of it; `sequence` is the number of the last
event before them.
"""

from dataclasses import dataclass

from services.router.acts import Accept, Decide, Resolve, Return
from services.router.model import DISPOSITION, Body, Decision, NewEvent, Routed, for_departments, holder, is_test, open_leg
from shared.events import cases

ALLOWED: dict[str, tuple[str, ...]] = {
    "triage": ("decide",),
    "routed": ("accept", "return", "resolve"),
    "accepted": ("return", "resolve"),
}
"""The acts that each state allows; a state that is not here allows none."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who does it, when, and after which event."""

    by: str
    now: str
    """RFC 3339."""
    sequence: int
    """The number of the case's last event."""


def allowed(state: str) -> tuple[str, ...]:
    """What may be done with a case in this state."""
    return ALLOWED.get(state, ())


def begin(case: Body, decision: Decision, step: Step) -> list[NewEvent]:
    """Open a case: at a desk, or in triage."""
    if isinstance(decision, Routed):
        _give(case, decision, step.now, step.sequence + 2)
        second = _routed(case, step)
    else:
        second = _triage(case, decision.reason, decision.words, step)
    return [_event(cases.OPENED, case, step), second]


def amend(case: Body, message: Body, step: Step) -> list[NewEvent]:
    """Take over a later revision of the citizen's message; nothing happens when it is not later."""
    if message["revision"] <= case["revision"]:
        return []
    case |= {"message": message, "revision": message["revision"]}
    return [_event(cases.AMENDED, case, step, to=holder(case), message=for_departments(message))]


def accept(case: Body, act: Accept, due: Body, step: Step) -> list[NewEvent]:
    """The department takes the case on, and has time until `due`."""
    leg = _leg(case)
    leg["accepted_at"] = step.now
    _move(case, "accepted", external_ref=act.external_ref, due=due)
    return [_event(cases.ACCEPTED, case, step, to=leg["department"], external_ref=act.external_ref, due=due)]


def give_back(case: Body, act: Return, step: Step) -> list[NewEvent]:
    """The department's turn ends without a result: an operator decides again."""
    leg = _end_leg(case, "returned", step)
    _move(case, "triage")
    told = _event(cases.RETURNED, case, step, to=leg["department"], reason=act.reason)  # names the department a last time
    return [told, _triage(case, "returned", act.reason, step)]


def resolve(case: Body, act: Resolve, step: Step) -> list[NewEvent]:
    """The department's turn ends with a reply to the citizen."""
    leg = _end_leg(case, "resolved", step)
    reference = act.external_ref or case.get("external_ref")
    _move(case, "resolved", reply=act.reply, external_ref=reference)
    return [_event(cases.RESOLVED, case, step, to=leg["department"], reply=act.reply, external_ref=reference)]


def decide(case: Body, act: Decide, target: Routed | None, step: Step) -> list[NewEvent]:
    """An operator ends the triage; `target` is where the case goes when a department is to have it."""
    case["triage"] = None
    if target:
        _give(case, target, step.now, step.sequence + 2)
        return [_decided(case, act, step), _routed(case, step)]
    state = act.decision
    _move(case, state, reply=act.reply, joined_to=act.case, referred_to=act.to, reason=act.reason)
    return [_decided(case, act, step)]


def _give(case: Body, target: Routed, now: str, sequence: int) -> None:
    _move(case, "routed", department=target.department, co=list(target.co), why=target.why, due=target.due, external_ref=None)
    leg = {"department": target.department, "from_sequence": sequence, "to_sequence": None}
    case["legs"].append(leg | {"given_at": now, "accepted_at": None, "ended_at": None, "outcome": None})


def _triage(case: Body, reason: str, words: str, step: Step) -> NewEvent:
    _move(case, "triage", department=None, co=[], why=None, due=None, external_ref=None)
    case["triage"] = {"reason": reason, "words": words, "since": step.now}
    return _event(cases.TRIAGED, case, step, reason=reason, words=words)


def _move(case: Body, state: str, **fields: object) -> None:
    case.update(fields, state=state, disposition=DISPOSITION[state])


def _leg(case: Body) -> Body:
    leg = open_leg(case)
    if leg is None:
        raise LookupError(f"case {case['id']} is {case['state']} and has no open leg")
    return leg


def _end_leg(case: Body, outcome: str, step: Step) -> Body:
    leg = _leg(case)
    leg |= {"outcome": outcome, "ended_at": step.now, "to_sequence": step.sequence + 1}
    return leg


def _routed(case: Body, step: Step) -> NewEvent:
    told = {name: case[name] for name in ("why", "co", "due", "classification")}
    return _event(cases.ROUTED, case, step, to=case["department"], message=for_departments(case["message"]), **told)


def _decided(case: Body, act: Decide, step: Step) -> NewEvent:
    told = {"reason": act.reason or "", "reply": act.reply or "", "joined_to": act.case, "referred_to": act.to}
    return _event(cases.DECIDED, case, step, decision=act.decision, **told)


def _event(kind: str, case: Body, step: Step, *, to: str | None = None, **told: object) -> NewEvent:
    """An event that says, besides what it tells, where the case stands now."""
    data = {name: case[name] for name in ("number", "message_id", "state", "disposition", "department", "revision")}
    data |= {"case_id": case["id"], "by": step.by, "test": is_test(case), **told}
    return NewEvent(kind, data, (to,) if to else ())
