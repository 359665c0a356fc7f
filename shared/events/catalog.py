"""Every event type: its model, its topic and the service that owns it. The contracts are generated from here."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from shared.errors import BadRecord
from shared.events import audits, cases, messages
from shared.events.envelope import Event
from shared.events.messages import Data
from shared.log.port import TopicSpec

MESSAGES = "yijian.messages"
CLASSIFIED = "yijian.classified"
CASES = "yijian.cases"
DEAD_LETTERS = "yijian.deadletters"
AUDITS = "yijian.audits"
FINDINGS = "yijian.findings"
_QUESTIONS_HOURS = 48
"""Questions of the audit and their answers are worth nothing once they are old."""

GROUPS = {
    "classifier": (MESSAGES,),
    "router": (CLASSIFIED,),
    "intake": (CASES, DEAD_LETTERS),
    "router-audit": (AUDITS,),
    "intake-audit": (FINDINGS,),
}
"""Every consumer group with its topics, but for the router's feed, which reads the departments' topics."""
FEED_GROUP = "router-feed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event type."""

    model: type[Data]
    type: str
    topic: str
    owner: str


CATALOG = {
    entry.type: entry
    for entry in (
        Entry(messages.Message, messages.RECEIVED, MESSAGES, "intake"),
        Entry(messages.Message, messages.AMENDED, MESSAGES, "intake"),
        Entry(messages.Classified, messages.CLASSIFIED, CLASSIFIED, "classifier"),
        Entry(messages.MessageDead, messages.DEAD, DEAD_LETTERS, "shared"),
        Entry(cases.Opened, cases.OPENED, CASES, "router"),
        Entry(cases.Triaged, cases.TRIAGED, CASES, "router"),
        Entry(cases.Decided, cases.DECIDED, CASES, "router"),
        Entry(cases.Routed, cases.ROUTED, CASES, "router"),
        Entry(cases.Accepted, cases.ACCEPTED, CASES, "router"),
        Entry(cases.Returned, cases.RETURNED, CASES, "router"),
        Entry(cases.Resolved, cases.RESOLVED, CASES, "router"),
        Entry(audits.Asked, audits.ASKED, AUDITS, "intake"),
        Entry(audits.Answered, audits.ANSWERED, FINDINGS, "router"),
        Entry(cases.CaseAmended, cases.AMENDED, CASES, "router"),
    )
}


def read(event: Event) -> Data:
    """The event's data as its model. Raises `BadRecord` for an unknown type or data that does not fit."""
    entry = CATALOG.get(event.type)
    if entry is None:
        raise BadRecord(f"the event type {event.type[:100]!r} is not in the catalogue")
    try:
        return entry.model.model_validate(event.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/" + "/".join(str(part) for part in first["loc"])
        raise BadRecord(f"{event.type}: {where}: {first['msg']} ({error.error_count()} in all)") from None


def department_topic(code: str) -> str:
    """The topic of one department's cases, so that a broker's access rules can hold."""
    return f"yijian.dept.{code}"


def topics(departments: Iterable[str]) -> list[TopicSpec]:
    """Every topic of a city with these departments."""
    shared = [TopicSpec(name) for name in (MESSAGES, CLASSIFIED, CASES)]
    own = [TopicSpec(department_topic(code), partitions=1) for code in departments]
    questions = [TopicSpec(name, partitions=1, retention_hours=_QUESTIONS_HOURS) for name in (AUDITS, FINDINGS)]
    return [*shared, TopicSpec(DEAD_LETTERS, partitions=1), *questions, *own]
