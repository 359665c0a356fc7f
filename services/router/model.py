"""What the router thinks in: decisions, legs, and the shape of a case document. Pure.

A case is one JSON document (`new_case`). Its events are numbered by the outbox; a *leg* is one department's turn at it
and remembers the numbers between which the department sees the case.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from shared import clock
from shared.events import cases
from shared.events.words import Disposition

Body: TypeAlias = dict[str, Any]
"""JSON."""

DISPOSITION: dict[str, Disposition] = {
    "triage": "triage",
    "routed": "department",
    "accepted": "department",
    "resolved": "closed",
    "joined": "joined",
    "answered": "answered",
    "referred": "referred",
    "not_admitted": "not_admitted",
    "withdrawn": "withdrawn",
}
"""What the account counts a case as, for each state."""
WITH_DEPARTMENT = ("routed", "accepted")
"""The states in which a department has its turn."""
_SERIALS_PER_DAY = 10**9


@dataclass(frozen=True, slots=True)
class Routed:
    """The case goes to this department, for this reason, with this time."""

    department: str
    co: tuple[str, ...]
    why: Body
    due: Body


@dataclass(frozen=True, slots=True)
class Triage:
    """A human has to decide; `reason` is a slug, `words` tells people."""

    reason: str
    words: str


Decision: TypeAlias = Routed | Triage


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that a change gives rise to; the outbox numbers it."""

    type: str
    data: Body
    to: tuple[str, ...] = ()
    """The departments that it concerns."""


@dataclass(frozen=True, slots=True)
class Number:
    """What people call a case, and `serial`, by which cases sort in the order in which they were numbered."""

    text: str
    serial: int


def number(prefix: str, day: str, count: int) -> Number:
    """The `count`-th case of a day (`20261120`): `QT20261120-000123`."""
    return Number(f"{prefix}{day}-{count:06}", int(day) * _SERIALS_PER_DAY + count)


def new_case(case_id: str, name: Number, message: Body, classification: Body, now: str) -> Body:
    """A case nobody has decided on yet."""
    return {
        "id": case_id,
        "number": name.text,
        "serial": name.serial,
        "message_id": message["id"],
        "test": int(message["test"]),
        "minute": minute(message["received_at"]),
        "abstained": int(classification["abstained"] is not None),
        "opened_at": now,
        "revision": message["revision"],
        "message": message,
        "classification": classification,
        "state": "triage",
        "disposition": "triage",
        "department": None,
        "legs": [],
    }


def minute(received_at: str) -> str:
    """The minute in UTC in which a message was received, `2026-11-20T01:12`; as given when it is no time."""
    if received_at.endswith("Z"):
        return received_at[:16]
    try:
        return clock.timestamp(datetime.fromisoformat(received_at))[:16]
    except ValueError:
        return received_at


def is_test(body: Body) -> bool:
    """Whether the case stays at the test desk and in no figure."""
    return bool(body["test"])


def open_leg(body: Body) -> Body | None:
    """The turn that is going on, if any."""
    legs = body["legs"]
    return legs[-1] if legs and legs[-1]["to_sequence"] is None else None


def holder(body: Body) -> str | None:
    """The department whose turn it is."""
    leg = open_leg(body)
    return leg["department"] if leg else None


def for_departments(message: Body) -> Body:
    """The message as departments and topics may see it: nobody can be linked who asked not to be."""
    if message["anonymous"] or message["confidential"]:
        return message | {"citizen": None, "identifiers": []}
    return message


def seen_until(body: Body, departments: Sequence[str]) -> float:
    """The number of the last event that these departments may see: infinite while one of them has its turn, 0 when
    none of them ever had one."""
    ends = [leg["to_sequence"] or math.inf for leg in body["legs"] if leg["department"] in departments]
    return max(ends, default=0)


_TOLD: dict[str, tuple[str, ...]] = {
    cases.ROUTED: ("why", "co", "due", "message", "classification"),
    cases.AMENDED: ("message",),
    cases.ACCEPTED: ("external_ref", "due"),
    cases.RESOLVED: ("reply", "external_ref"),
}


def as_told(history: Sequence[Body]) -> Body:
    """The case as these events tell it. What comes after them is not in it: a cut history shows an earlier case."""
    told: Body = {}
    for event in history:
        if event["type"] == cases.ROUTED:
            told["external_ref"] = None  # the number of another department
        names = ("number", "message_id", "state", "disposition", "department", "test", *_TOLD.get(event["type"], ()))
        told |= {name: event["data"][name] for name in names if name in event["data"]}  # an older event tells less
    return told
