"""What each act makes of a case, and who is told."""

from typing import Any

import pytest

from services.router import life
from services.router.acts import NEEDS, Accept, Decide, Resolve, Return, mistakes
from services.router.life import Step
from services.router.model import DISPOSITION, NewEvent, Number, Routed, Triage, as_told, new_case, seen_until
from tests.support.desk import classification, message

DUE = {"clock": "standard", "started_at": "s", "accept_by": "a", "resolve_by": "r"}
WHY = {"rule": "home", "zh": "家", "en": ""}
EAST = Routed("east", ("fire",), WHY, DUE)


class Life:
    """A case on its way, with its events numbered as the outbox does."""

    def __init__(self, decision: Any = EAST, **fields: Any) -> None:
        self.case = new_case("c1", Number("QT20261120-000001", 1), message(**fields), classification(), "t0")
        self.history: list[dict[str, Any]] = []
        self.to: list[tuple[str, ...]] = []
        self.do(life.begin, decision)

    def do(self, act: Any, *what: Any) -> list[NewEvent]:
        events: list[NewEvent] = act(self.case, *what, Step("me", "now", len(self.history)))
        for event in events:
            self.history.append({"sequence": len(self.history) + 1, "type": event.type, "data": event.data})
            self.to.append(event.to)
        return events

    def types(self) -> list[str]:
        return [event["type"].split(".")[2] for event in self.history]

    def seen_by(self, department: str) -> dict[str, Any]:
        until = seen_until(self.case, (department,))
        return as_told([event for event in self.history if event["sequence"] <= until])


def test_a_case_begins_at_a_desk() -> None:
    it = Life()
    assert it.types() == ["opened", "routed"]
    assert it.to == [(), ("east",)]
    assert (it.case["state"], it.case["disposition"], it.case["department"]) == ("routed", "department", "east")
    assert it.case["legs"][0] | {"given_at": ""} == {
        "department": "east", "from_sequence": 2, "to_sequence": None, "given_at": "", "accepted_at": None, "ended_at": None,
        "outcome": None,
    }  # fmt: skip


def test_a_case_begins_in_triage() -> None:
    it = Life(Triage("uncertain", "请人工派单"))
    assert it.types() == ["opened", "triaged"]
    assert it.case["triage"]["reason"] == "uncertain"
    assert it.case["legs"] == []


def test_from_acceptance_to_the_reply() -> None:
    it = Life()
    it.do(life.accept, Accept(external_ref="A-1"), DUE)
    it.do(life.resolve, Resolve(reply="已清扫"))
    assert it.types() == ["opened", "routed", "accepted", "resolved"]
    assert it.to[2:] == [("east",), ("east",)]
    assert (it.case["disposition"], it.case["reply"], it.case["external_ref"]) == ("closed", "已清扫", "A-1")
    assert (it.case["legs"][0]["outcome"], it.case["legs"][0]["to_sequence"]) == ("resolved", 4)


def test_an_acceptance_tells_until_when_the_department_has_time() -> None:
    it = Life()
    later = DUE | {"resolve_by": "r2"}
    (told,) = it.do(life.accept, Accept(), later)
    assert told.data["due"] == it.case["due"] == it.seen_by("east")["due"] == later


def test_an_acceptance_of_long_ago_told_no_time() -> None:
    it = Life()
    it.do(life.accept, Accept(), DUE)
    del it.history[-1]["data"]["due"]
    assert (it.seen_by("east")["state"], it.seen_by("east")["due"]) == ("accepted", DUE)


def test_a_return_ends_the_turn_and_asks_an_operator() -> None:
    it = Life()
    it.do(life.give_back, Return(reason="不归我们"))
    assert it.types()[2:] == ["returned", "triaged"]
    assert it.to[2:] == [("east",), ()]
    assert (it.case["state"], it.case["department"], it.case["triage"]["reason"]) == ("triage", None, "returned")
    assert it.history[2]["data"]["department"] == "east"
    assert it.history[3]["data"]["department"] is None


def test_a_decision_begins_the_next_turn() -> None:
    it = Life()
    it.do(life.give_back, Return(reason="不归我们"))
    it.do(life.decide, Decide(decision="department", department="west"), Routed("west", (), WHY, DUE))
    assert it.types()[4:] == ["decided", "routed"]
    assert it.to[4:] == [(), ("west",)]
    assert it.case["legs"][1]["from_sequence"] == 6
    assert it.case["triage"] is None


@pytest.mark.parametrize("decision", ["joined", "answered", "referred", "not_admitted"])
def test_other_decisions_end_the_triage(decision: Any) -> None:
    it = Life(Triage("uncertain", ""))
    it.do(life.decide, Decide(decision=decision, case="c2", reply="好", to="信访", reason="因为"), None)
    assert it.case["state"] == it.case["disposition"] == decision
    assert it.history[-1]["data"]["decision"] == decision


def test_a_department_sees_nothing_after_its_turn() -> None:
    it = Life()
    it.do(life.accept, Accept(external_ref="A-1"), DUE)
    it.do(life.give_back, Return(reason="不归我们"))
    it.do(life.decide, Decide(decision="department", department="west"), Routed("west", (), WHY, DUE))
    it.do(life.amend, it.case["message"] | {"revision": 2, "text": "后来的话"})

    first, second = it.seen_by("east"), it.seen_by("west")
    assert (first["state"], first["department"], first["external_ref"]) == ("triage", "east", "A-1")
    assert "后来的话" not in str(first)
    assert (second["state"], second["department"], second["external_ref"]) == ("routed", "west", None)
    assert second["message"]["text"] == "后来的话"
    assert seen_until(it.case, ("north",)) == 0
    assert seen_until(it.case, ("east", "west")) > 100


@pytest.mark.parametrize("wish", ["anonymous", "confidential"])
def test_nobody_can_be_linked_who_asked_not_to_be(wish: str) -> None:
    it = Life(**{wish: True, "citizen": "p-1", "identifiers": ("phone:x",)})
    it.do(life.amend, it.case["message"] | {"revision": 2})
    for event in (it.history[1], it.history[2]):
        assert event["data"]["message"]["citizen"] is None
        assert event["data"]["message"]["identifiers"] == []
    assert it.case["message"]["citizen"] == "p-1"


def test_an_amendment_reaches_the_department_once() -> None:
    it = Life()
    later = it.case["message"] | {"revision": 2, "text": "还有噪音"}
    assert [event.to for event in it.do(life.amend, later)] == [("east",)]
    assert it.do(life.amend, later) == []
    assert it.do(life.amend, later | {"revision": 1}) == []


def test_an_amendment_in_triage_reaches_nobody_yet() -> None:
    it = Life(Triage("uncertain", ""))
    assert [event.to for event in it.do(life.amend, it.case["message"] | {"revision": 2})] == [()]


def test_every_allowed_act_belongs_to_a_state_with_a_disposition() -> None:
    assert set(life.ALLOWED) < set(DISPOSITION)


DECISIONS = [(decision, name) for decision, names in NEEDS.items() for name in names]


@pytest.mark.parametrize(("decision", "missing"), DECISIONS)
def test_a_decision_says_what_it_needs(decision: Any, missing: str) -> None:
    given = dict.fromkeys(NEEDS[decision], "x")
    assert mistakes(Decide(decision=decision, **given)) == {}
    del given[missing]
    assert list(mistakes(Decide(decision=decision, **given))) == [missing]


def test_a_decision_refuses_what_belongs_to_another() -> None:
    assert list(mistakes(Decide(decision="answered", reply="好", department="east"))) == ["department"]
