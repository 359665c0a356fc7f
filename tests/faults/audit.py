"""The promises, each as a check of the evidence against what the clients know. The first that is broken is told with its story."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from shared import ids
from shared.events.catalog import CASES, MESSAGES, department_topic
from tests.faults.evidence import Evidence, Told
from tests.faults.ledger import Ledger, Submission

_ACTS = {"accept": "accepted", "return": "returned", "resolve": "resolved", "decide": "decided"}


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept. `kind`: lost, doubled, disorder, account or unexplained."""

    promise: str
    kind: str
    what: str
    message_id: str | None = None
    submission: Submission | None = None


Check: TypeAlias = Callable[[Ledger, Evidence], Iterator[Breach]]


def audit(ledger: Ledger, evidence: Evidence) -> list[Breach]:
    """Every breach, in the order of the promises."""
    return [breach for check in _CHECKS for breach in check(ledger, evidence)]


def _answered(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "a submission that is repeated to its end is taken in, once, and refused for no other reason than its own"
    for one in ledger.submissions:
        if one.refused:
            yield Breach(promise, "lost", f"answered {one.refused}", one.message_id, one)
        elif not one.answers:
            yield Breach(promise, "lost", "never answered 202", None, one)
        elif len(set(one.answers)) > 1:
            yield Breach(promise, "doubled", f"answered with {len(set(one.answers))} messages", one.message_id, one)
    owners = Counter(one.message_id for one in ledger.submissions if one.message_id)
    for message_id, count in owners.items():
        if count > 1:
            yield Breach(promise, "lost", f"{count} submissions were answered with one message", message_id)


def _explained(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "every answer that is no 202 says what went wrong"
    for one in ledger.submissions:
        if one.unexplained:
            yield Breach(promise, "unexplained", one.unexplained, one.message_id, one)


def _stored(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "what was answered 202 has one message"
    for one in ledger.submissions:
        if one.message_id and one.message_id not in evidence.statuses:
            yield Breach(promise, "lost", "intake does not know it", one.message_id, one)


def _one_case(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "a message has one case, and a case has a submission"
    cases = Counter(case["message_id"] for case in evidence.cases)
    known = {one.message_id for one in ledger.submissions}
    for one in ledger.submissions:
        if one.message_id and cases[one.message_id] != 1:
            kind = "doubled" if cases[one.message_id] else "lost"
            yield Breach(promise, kind, f"{cases[one.message_id]} cases", one.message_id, one)
    for message_id in cases.keys() - known:
        yield Breach(promise, "doubled", "a case nobody submitted", message_id)
    for told in evidence.topics.get(MESSAGES, []):
        if told.subject not in known:
            yield Breach(promise, "doubled", "a message nobody submitted", told.subject)


def _one_disposition(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "intake and router tell the same disposition of a case, at the same revision of the message"
    cases = {case["message_id"]: case for case in evidence.cases}
    for one in ledger.submissions:
        status, case = evidence.statuses.get(one.message_id or ""), cases.get(one.message_id or "")
        if status and case:
            if status["status"] != case["disposition"]:
                yield Breach(
                    promise, "lost", f"{status['status']} at intake, {case['disposition']} at the router", one.message_id, one
                )
            if case["revision"] != one.revision:
                yield Breach(
                    promise,
                    "lost",
                    f"revision {one.revision} was answered 202, the case has {case['revision']}",
                    one.message_id,
                    one,
                )


def _in_order(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "a case's events are numbered 1, 2, 3 … on the topic of cases, once repeats are dropped"
    for case_id, told in _by_case(evidence.topics.get(CASES, [])).items():
        kept = [one.sequence for one in after_the_drop(told)]
        if kept != list(range(1, len(kept) + 1)):
            yield Breach(promise, "disorder", f"case {case_id}: {[one.sequence for one in told]}", told[0].message_id)
        if len({(one.id, one.sequence) for one in told}) != len({one.sequence for one in told}):
            yield Breach(promise, "doubled", f"case {case_id}: one number, two events", told[0].message_id)


def _feeds(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "a department gets its events in order, the same in its topic and in its feed, once repeats are dropped"
    routed = _by_case(evidence.topics.get(CASES, []))
    for department, entries in evidence.feeds.items():
        topic = evidence.topics[department_topic(department)]
        if not _same([(one.subject, one.sequence) for one in topic], entries):
            yield Breach(
                promise,
                "disorder",
                f"{department}: the feed has {len(entries)} entries, the topic {len(topic)}, or in another order",
            )
        for case_id, told in _by_case(topic).items():
            new = [one.sequence for one in after_the_drop(told)]
            if any(after <= before for before, after in pairwise(new)) or set(new) != {one.sequence for one in told}:
                yield Breach(
                    promise, "disorder", f"{department}, case {case_id}: {[one.sequence for one in told]}", told[0].message_id
                )
            if not {one.id for one in told} <= {one.id for one in routed.get(case_id, [])}:
                yield Breach(
                    promise, "doubled", f"{department}, case {case_id}: an event that the case has not", told[0].message_id
                )


def _effects(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "every event takes effect once: an act is one event, and an event is one line of the message's history"
    events = _by_case(evidence.topics.get(CASES, []))
    for case_id, acts in _acts(ledger).items():
        happened = Counter(one.type.split(".")[2] for one in after_the_drop(events.get(case_id, [])))
        for name, count in acts.items():
            if happened[name] != count:
                kind = "lost" if happened[name] < count else "doubled"
                yield Breach(
                    promise,
                    kind,
                    f"case {case_id}: {count} × {name} answered 200, {happened[name]} events",
                    _message(events, case_id),
                )
    for message_id, history in evidence.histories.items():
        told = [one.type.split(".")[2] for one in after_the_drop(events.get(ids.case_id(message_id), []))]
        if history != told:
            yield Breach(
                promise, "doubled" if len(history) > len(told) else "lost", f"intake tells {history}, the case {told}", message_id
            )


def _account(ledger: Ledger, evidence: Evidence) -> Iterator[Breach]:
    promise = "the account adds up"
    submitted = len({one.message_id for one in ledger.submissions if one.message_id})
    for name, account in evidence.accounts.items():
        expected = {"intake": {"accepted": submitted, "in_flight": 0, "missing": 0}, "router": {"opened": submitted}}
        for figure, count in (expected.get(name.partition("-")[0], {}) | {"dead": 0, "parked": 0}).items():
            found = account.get(figure, 0)
            found = sum(found.values()) if isinstance(found, dict) else found
            if found != count:
                yield Breach(promise, "account", f"{name}: {figure} is {found}, not {count}")
    stands = Counter(case["disposition"] for case in evidence.cases)
    for name, account in evidence.accounts.items():
        where = account.get("dispositions") or account.get("statuses")
        counted = {status: sum(part.get(status, 0) for part in where.values()) for status in stands} if where else stands
        if counted != stands:
            yield Breach(promise, "account", f"{name} counts {counted}, the cases stand {dict(stands)}")


_CHECKS: tuple[Check, ...] = (_answered, _explained, _stored, _one_case, _one_disposition, _in_order, _feeds, _effects, _account)


def after_the_drop(told: list[Told]) -> list[Told]:
    """What a follower keeps: the events whose number is greater than the last it has."""
    kept: list[Told] = []
    for one in told:
        if not kept or one.sequence > kept[-1].sequence:
            kept.append(one)
    return kept


def _same(topic: list[tuple[str, int]], feed: list[tuple[str, int]]) -> bool:
    """Whether both have the same; one may be read a little later, when turns that nobody took up had been told again."""
    both = min(len(topic), len(feed))
    return topic[:both] == feed[:both] and {*topic[both:], *feed[both:]} <= {*feed[:both]}


def _by_case(told: list[Told]) -> dict[str, list[Told]]:
    cases: defaultdict[str, list[Told]] = defaultdict(list)
    for one in told:
        cases[one.subject].append(one)
    return cases


def _acts(ledger: Ledger) -> dict[str, Counter[str]]:
    acts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for act in ledger.acts:
        acts[act.case_id][_ACTS[act.name]] += 1
    return acts


def _message(events: dict[str, list[Told]], case_id: str) -> str | None:
    return events[case_id][0].message_id if events.get(case_id) else None
