from typing import Any

import pytest

from tools.account import Books, _lines, mistakes_in


def intake(accepted: int, *, missing: int = 0, **statuses: int) -> dict[str, Any]:
    return {"accepted": {"real": accepted, "test": 0}, "statuses": {"real": statuses, "test": {}}, "missing": missing}


def router(**cases: int) -> dict[str, Any]:
    return {"dispositions": {"real": cases, "test": {}}}


def books(before: dict[str, Any], cases: dict[str, Any], after: dict[str, Any] | None = None) -> Books:
    return Books(before, {"classifier": {}, "router": cases}, after or before)


@pytest.mark.parametrize(
    ("before", "cases", "after"),
    [
        (intake(5, received=1, department=3, triage=1), router(department=3, triage=1), None),
        (intake(5, received=1, department=3, triage=1), router(department=4, triage=1), None),
        (intake(5, department=4, dead=1), router(department=4), None),
        (intake(5, department=5), router(department=7), intake(8, received=1, department=7)),
        (intake(0), router(), None),
    ],
    ids=["in flight", "not heard of yet", "a dead letter has no case", "messages arrive in between", "nothing yet"],
)
def test_it_adds_up(before: dict[str, Any], cases: dict[str, Any], after: dict[str, Any] | None) -> None:
    assert mistakes_in(books(before, cases, after)) == []


@pytest.mark.parametrize(
    ("before", "cases", "mistake"),
    [
        (intake(5, department=4), router(department=4), "intake accepted 5, but 4 stand somewhere"),
        (intake(5, department=5), router(department=4), "the router has 4 cases, but 5 messages were settled"),
        (intake(5, department=5), router(department=6), "the router has 6 cases of 5 messages"),
        (intake(5, received=1, department=4, missing=1), router(department=4), "1 were accepted and no case"),
    ],
)
def test_it_does_not_add_up_and_says_why(before: dict[str, Any], cases: dict[str, Any], mistake: str) -> None:
    assert mistake in "; ".join(mistakes_in(books(before, cases)))


def test_a_service_that_is_silent_is_named() -> None:
    assert mistakes_in(Books({}, {}, {}, {"router": "connection refused"})) == ["router gave no account: connection refused"]


def test_flat_figures_are_read_too() -> None:
    flat = {"accepted": 5, "statuses": {"department": 5}}
    assert mistakes_in(books(flat, {"cases": {"department": 5}})) == []


def test_a_line_a_figure_and_a_column_a_service() -> None:
    shown = _lines(
        {"intake": intake(1234, department=1234), "router": {**router(department=1234), "dead": 2, "lag": {"a": 1, "b": None}}}
    )
    assert shown == [
        ("accepted", "1,234", ""),
        ("department", "1,234", "1,234"),
        ("missing", "0", ""),
        ("dead letters", "", "2"),
        ("not read yet", "", "1"),
    ]


def test_where_messages_stand_is_held_against_what_is_stored() -> None:
    good = {**intake(5, department=5), "stored": 5}
    more = {**intake(6, department=6), "stored": 7}
    assert mistakes_in(books(good, router(department=5), more)) == []
    lost = {**intake(5, department=5), "stored": 6}
    assert "intake holds 6 messages, but 5 stand somewhere" in mistakes_in(books(lost, router(department=5)))
    doubled = {**intake(5, department=5), "stored": 4}
    assert "5 messages stood somewhere, but intake holds 4" in mistakes_in(books(doubled, router(department=5)))
