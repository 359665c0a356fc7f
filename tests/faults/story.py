"""The shortest story of the first broken promise: one message's life, with the faults between."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.faults.audit import Breach
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger

_LINES = 40


def story(breaches: Sequence[Breach], ledger: Ledger, evidence: Evidence, command: str) -> str:
    """For a person who reads a red run."""
    first = [breach for breach in breaches if breach.promise == breaches[0].promise]
    told = min((_lines(breach, ledger, evidence) for breach in first), key=len)
    kinds = ", ".join(sorted({f"{sum(one.kind == kind for one in breaches)} {kind}" for kind in {one.kind for one in breaches}}))
    head = [f"BROKEN: {breaches[0].promise}", f"({len(first)} times; in all {kinds})", *told[:_LINES]]
    return "\n".join([*head, f"repeat: {command}"])


def _lines(breach: Breach, ledger: Ledger, evidence: Evidence) -> list[str]:
    known = breach.submission or next((one for one in ledger.submissions if one.message_id == breach.message_id), None)
    events = [(attempt.at, f"client: {attempt.what}") for attempt in known.attempts] if known else []
    if breach.message_id:
        events += [
            (told.at, f"{told.topic}/{told.partition}@{told.offset}: {told.type} #{told.sequence}")
            for topic in evidence.topics.values()
            for told in topic
            if told.message_id == breach.message_id
        ]
    events += _faults_between(events, ledger)
    what = [f"what: {breach.what}"] + (
        [f"submission {known.number}, external id {known.body.get('external_id')}"] if known else []
    )
    return what + [f"  {datetime.fromtimestamp(at, UTC):%H:%M:%S.%f} {text}" for at, text in sorted(events)]


def _faults_between(events: list[tuple[float, str]], ledger: Ledger) -> list[tuple[float, str]]:
    """From shortly before the first event to shortly after the last."""
    times = [at for at, _ in events]
    first, last = (min(times) - 10, max(times) + 10) if times else (0.0, float("inf"))
    return [(fault.at, f"FAULT: {fault.what}") for fault in ledger.faults if first <= fault.at <= last]
