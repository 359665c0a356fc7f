"""What operators and departments are shown of a case. Pure.

An operator sees the case as it stands. A department sees it as its events told it up to the end of the department's own
last turn: nothing that came later, and nothing that events do not tell.
"""

from collections.abc import Sequence

from services.router.model import Body, as_told, for_departments, holder, is_test
from shared.store.port import Document, StoredEvent

_EXCERPT = 160
_SUMMARY = ("id", "number", "state", "disposition", "department", "opened_at")
_WHOLE = ("message_id", "message", "classification", "why", "co", "due", "triage", "legs")
_OUTCOME = ("external_ref", "reply", "reason", "joined_to", "referred_to")


def summary(document: Document) -> Body:
    """One line of a list, for operators."""
    return _line(document, document.body["message"]) | {"triage": document.body.get("triage")}


def inbox_line(document: Document) -> Body:
    """One line of a department's list. Once its turn is over the words may have changed: they are not shown then."""
    case = document.body
    message = for_departments(case["message"])
    return _line(document, message if holder(case) else message | {"title": "", "text": ""})


def whole(document: Document, history: Sequence[StoredEvent]) -> Body:
    """Everything, for operators."""
    case = document.body
    shown = {
        name: case.get(name) for name in (*_SUMMARY, *_OUTCOME, "message_id", "message", "classification", "why", "co", "due")
    }
    shown |= {"triage": case.get("triage"), "legs": case["legs"], "test": is_test(case), "version": document.version}
    return shown | {"history": [_event(event) for event in history], "links": links(case["id"])}


def as_department(document: Document, history: Sequence[StoredEvent], until: float) -> Body:
    """What a department sees that may see events up to this number."""
    case = document.body
    seen = [event for event in history if event["sequence"] <= until]
    shown = {"id": document.id, "opened_at": case["opened_at"], "external_ref": None, "reply": None, **as_told(seen)}
    shown["legs"] = [leg for leg in case["legs"] if leg["from_sequence"] <= until]
    if holder(case) and until > document.sequence:
        shown["version"] = document.version
    return shown | {"history": [_event(event) for event in seen], "links": links(document.id)}


def after_act(case: Body, version: int) -> Body:
    """The answer to an act."""
    shown = {name: case.get(name) for name in (*_SUMMARY, "due", *_OUTCOME)}
    return shown | {"version": version, "links": links(case["id"])}


def links(case_id: str) -> Body:
    """Where the case is found."""
    return {"self": f"/v1/cases/{case_id}"}


def _line(document: Document, message: Body) -> Body:
    case, about = document.body, document.body["classification"]
    line = {name: case[name] for name in _SUMMARY}
    line |= {name: case.get(name) for name in ("message_id", "why", "due", "external_ref")}
    line |= {name: message[name] for name in ("title", "channel", "received_at", "submitted_at", "revision")}
    line |= {name: about[name] for name in ("category", "kind", "urgency", "region")}
    line |= {"excerpt": message["text"][:_EXCERPT], "test": is_test(case), "version": document.version}
    return line | {"links": links(case["id"])}


def _event(event: StoredEvent) -> Body:
    return {name: event[name] for name in ("sequence", "id", "type", "time", "data")}
