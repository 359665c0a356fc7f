"""Intake follows the events of its messages' cases, so that it answers the tracking code by itself. Pure: no I/O."""

from collections.abc import Sequence
from typing import Any

from services.intake import store
from shared.events import cases
from shared.events.cases import CaseEvent
from shared.events.messages import MessageDead
from shared.log.loop import Incoming
from shared.store.port import Document

_HISTORY = 100


def message_id(item: Incoming) -> str:
    """Which message this event is about."""
    data = item.data
    assert isinstance(data, CaseEvent | MessageDead)  # noqa: S101 (the catalogue's topics hold no others)
    return data.message_id


def apply(document: Document, items: Sequence[Incoming]) -> bool:
    """Bring the message up to date with these events of its case, in order; whether anything changed.

    An event whose number is not greater than the last one is a repeat and has no effect. Each event tells where the
    case stands after it, so a gap costs a line of history and never the truth; how many lines is kept (ADR 8).
    """
    changed = False
    for item in items:
        if isinstance(item.data, MessageDead):
            changed |= _dead(document, item)
        elif isinstance(item.data, CaseEvent):
            changed |= _advance(document, item, item.data)
    return changed


def missed(document: Document) -> int:
    """How many events of its case never came, by their numbers."""
    case = document.body["case"] or {}
    return int(case.get("missed", 0))


def _advance(document: Document, item: Incoming, data: CaseEvent) -> bool:
    body, sequence, known = document.body, item.event.sequence or 0, document.body["case"] or {}
    last = known.get("sequence", 0)
    if sequence <= last:
        return False
    body["case"] = {
        "id": data.case_id, "number": data.number, "sequence": sequence, "state": data.state, "department": data.department,
        "missed": known.get("missed", 0) + sequence - last - 1,
    }  # fmt: skip
    body["status"] = data.disposition
    if item.event.type != cases.OPENED and _holds_all(data, body["message"]):  # also where an event before it is missed
        body["awaiting"] = store.SETTLED
    _remember(body, item, data)
    return True


def _holds_all(data: CaseEvent, message: dict[str, Any]) -> bool:
    """Whether the case has what was taken in last of its message."""
    return data.revision is None or data.revision >= message["revision"]


def _remember(body: dict[str, Any], item: Incoming, data: CaseEvent) -> None:
    entry = {"at": item.event.time, "what": item.event.type.split(".")[2], "state": data.state, "department": data.department}
    body["history"] = [*body["history"], entry][-_HISTORY:]


def _dead(document: Document, item: Incoming) -> bool:
    body = document.body
    if body["case"] is not None or body["status"] == "dead":
        return False
    body["status"], body["awaiting"] = "dead", store.SETTLED
    body["history"] = [*body["history"], {"at": item.event.time, "what": "dead", "state": "dead", "department": None}]
    return True
