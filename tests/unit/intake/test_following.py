"""Intake follows a case: repeats have no effect, and a gap is counted and costs no more than a line of history."""

from services.intake import following, store
from shared import ids
from shared.events import cases
from shared.events.cases import CaseEvent
from shared.events.envelope import Event
from shared.log.loop import Incoming
from shared.log.port import Partition, Received
from shared.store.port import Document

MESSAGE = ids.new_id()
CASE = ids.case_id(MESSAGE)


def message() -> Document:
    body = {"case": None, "status": "received", "awaiting": store.AWAITED, "history": [], "message": {"revision": 2}}
    return Document(MESSAGE, body)


def told(sequence: int, kind: str, state: str, department: str | None = "yunting-housing", revision: int | None = 2) -> Incoming:
    """The case's event with this number."""
    disposition = {"triage": "triage", "resolved": "closed"}.get(state, "department")
    data = CaseEvent.model_construct(
        case_id=CASE,
        number="QT-1",
        message_id=MESSAGE,
        state=state,
        disposition=disposition,
        department=department,
        revision=revision,
    )
    event = Event(f"e{sequence}", kind, "/services/router", CASE, f"2026-11-20T00:00:0{sequence}.000Z", {}, sequence)
    return Incoming(Received(Partition("yijian.cases", 0), sequence, CASE, b"", {}, 0.0), event, data)


def test_it_follows_in_order():
    document = message()
    assert following.apply(document, [told(1, cases.OPENED, "routed"), told(2, cases.ROUTED, "routed")])
    assert (document.body["status"], document.body["awaiting"]) == ("department", store.SETTLED)
    assert [entry["what"] for entry in document.body["history"]] == ["opened", "routed"]
    assert following.missed(document) == 0


def test_a_case_that_holds_an_earlier_revision_is_waited_for():
    document = message()
    following.apply(document, [told(1, cases.OPENED, "routed", revision=1), told(2, cases.ROUTED, "routed", revision=1)])
    assert (document.body["status"], document.body["awaiting"]) == ("department", store.AWAITED)
    following.apply(document, [told(3, cases.AMENDED, "routed", revision=2)])
    assert document.body["awaiting"] == store.SETTLED


def test_an_event_of_a_version_that_told_no_revision_settles():
    document = message()
    following.apply(document, [told(1, cases.OPENED, "routed", revision=None), told(2, cases.ROUTED, "routed", revision=None)])
    assert document.body["awaiting"] == store.SETTLED


def test_the_same_event_five_times_takes_effect_once():
    document = message()
    assert following.apply(document, [told(1, cases.OPENED, "routed")] * 5)
    assert not following.apply(document, [told(1, cases.OPENED, "routed")])
    assert len(document.body["history"]) == 1


def test_an_older_event_changes_nothing():
    document = message()
    following.apply(document, [told(3, cases.RESOLVED, "resolved")])
    assert not following.apply(document, [told(2, cases.ACCEPTED, "accepted")])
    assert document.body["status"] == "closed"


def test_a_gap_costs_a_line_of_history_and_never_the_truth():
    document = message()
    following.apply(document, [told(1, cases.OPENED, "routed"), told(5, cases.RESOLVED, "resolved")])
    assert (document.body["status"], document.body["awaiting"]) == ("closed", store.SETTLED)
    assert following.missed(document) == 3
    following.apply(document, [told(7, cases.RESOLVED, "resolved")])
    assert following.missed(document) == 4
