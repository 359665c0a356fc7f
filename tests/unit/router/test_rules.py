"""Who gets a message, by which rule, until when."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services.router.model import Routed, Triage
from services.router.rules import Rules
from shared.events.messages import Classification, Message, Place
from shared.pack.model import Category, City, Clock, Conditions, Department, Desk, Pack, Region, Route, Target, Text

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def department(code: str, function: str, region: str = "990100", *, retired: bool = False) -> Department:
    level: Any = "city" if region == "990100" else "district"
    desk = Desk(owner=Text(zh="岗"))
    return Department(code=code, name=Text(zh=code), function=function, level=level, region=region, desk=desk, retired=retired)


def route(name: str, to: Target, co: tuple[Target, ...] = (), **when: Any) -> Route:
    return Route(name=name, why=Text(zh=name, en=name), when=Conditions(**when), to=to, co=co)


def clock(code: str, starts: Any = "routed", **when: Any) -> Clock:
    return Clock(code=code, name=Text(zh=code), when=Conditions(**when), accept_hours=2, resolve_days=1, starts=starts)


DISTRICT = Target(function="housing", level="district")
PACK = Pack(
    city=City(name="small", title=Text(zh="小城"), version="1", region="990100", catch_all="city-hotline", test_desk="test-desk"),
    regions=(
        Region(code="990100", name=Text(zh="小城"), level="city"),
        Region(code="990102", name=Text(zh="东区"), level="district", parent="990100"),
        Region(code="990103", name=Text(zh="西区"), level="district", parent="990100"),
        Region(code="990103001", name=Text(zh="西街"), level="street", parent="990103"),
        Region(code="990103008", name=Text(zh="柳街"), level="street", parent="990103", retired=True, successors=("990103001",)),
        Region(code="990101", name=Text(zh="老城区"), level="district", parent="990100", retired=True, successors=("990102",)),
    ),
    departments=(
        department("city-housing", "housing"),
        department("city-fire", "fire"),
        department("city-old", "old", retired=True),
        department("east-housing", "housing", "990102"),
        department("west-market", "market", "990103"),
        department("city-hotline", "hotline"),
        department("test-desk", "test"),
    ),
    categories=(
        Category(
            code="home",
            name=Text(zh="家"),
            children=(
                Category(code="home.lift", name=Text(zh="梯")),
                Category(code="home.coal", name=Text(zh="煤"), retired=True),
            ),
        ),
    ),
    channels=(),
    routes=(
        route("deputies", Target(department="city-hotline"), channel=("deputy",)),
        route("trapped", Target(function="fire"), (DISTRICT,), category=("home.lift",), urgency=("emergency",), words=("困人",)),
        route("old-houses", Target(function="fire"), category=("home.lift",), region=("990103001",), words=("木梯",)),
        route("lift-west", Target(function="market", level="district"), category=("home.lift",), region=("990103",)),
        route("reports", Target(function="housing"), category=("home",), kind=("report",)),
        route("gone", Target(function="old"), category=("home.lift",)),
        route("home", DISTRICT, category=("home",)),
        route("praise", Target(function="hotline"), kind=("praise",)),
    ),
    clocks=(clock("fast", urgency=("emergency",)), clock("slow", "received", channel=("deputy",)), clock("standard")),
)
RULES = Rules(PACK)


def ask(*, place: str | None = None, channel: str = "hotline", text: str = "电梯坏了", test: bool = False, **about: Any) -> Any:
    message = Message(
        id="m", channel=channel, text=text, received_at="2026-11-20T09:00:00+08:00", place=Place(region=place), test=test
    )
    return RULES.route(message, Classification(model_version="1", **about), NOW)


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the district's own department": ({"category": "home", "place": "990102"}, "east-housing", "home"),
    "a street's code names its district": ({"category": "home", "place": "990102007"}, "east-housing", "home"),
    "a community's code names its district": ({"category": "home", "place": "990102007001"}, "east-housing", "home"),
    "the text's district when the channel gives none": ({"category": "home", "region": "990102"}, "east-housing", "home"),
    "the channel's district before the text's": (
        {"category": "home", "place": "990103", "region": "990102"},
        "city-housing",
        "home",
    ),
    "the text's district before the channel's whole city": (
        {"category": "home", "place": "990100", "region": "990102"},
        "east-housing",
        "home",
    ),
    "an unknown code is no place": ({"category": "home", "place": "110101", "region": "990102"}, "east-housing", "home"),
    "a district that is no more": ({"category": "home", "place": "990101"}, "east-housing", "home"),
    "a street of a district that is no more": ({"category": "home", "place": "990101007"}, "east-housing", "home"),
    "a street that is no more": ({"category": "home.lift", "place": "990103008", "text": "木梯断了"}, "city-fire", "old-houses"),
    "a community of a street that is no more": (
        {"category": "home.lift", "place": "990103008002", "text": "木梯断了"},
        "city-fire",
        "old-houses",
    ),
    "a category that is no more": ({"category": "home.coal", "place": "990102"}, "east-housing", "home"),
    "no district known: the city's": ({"category": "home"}, "city-housing", "home"),
    "a category takes what is below it": ({"category": "home.lift", "place": "990102"}, "east-housing", "home"),
    "the first rule wins": ({"category": "home.lift", "kind": "report", "place": "990102"}, "city-housing", "reports"),
    "all conditions must hold": ({"category": "home.lift", "urgency": "emergency", "place": "990102"}, "east-housing", "home"),
    "words decide": ({"category": "home.lift", "urgency": "emergency", "text": "电梯困人了"}, "city-fire", "trapped"),
    "a region's rule": ({"category": "home.lift", "place": "990103"}, "west-market", "lift-west"),
    "a region's rule holds for its streets": ({"category": "home.lift", "place": "990103001"}, "west-market", "lift-west"),
    "a channel's rule needs no category": ({"channel": "deputy", "abstained": "uncertain"}, "city-hotline", "deputies"),
    "a kind's rule needs no category": ({"kind": "praise", "abstained": "uncertain"}, "city-hotline", "praise"),
    "an unknown category goes to the catch-all": ({"category": "moon.dust"}, "city-hotline", "catch-all"),
    "below a known category": ({"category": "home.roof", "place": "990102"}, "east-housing", "home"),
    "a test message goes nowhere else": ({"category": "home", "place": "990102", "test": True}, "test-desk", "test"),
    "an abstained test message too": ({"abstained": "uncertain", "test": True}, "test-desk", "test"),
}


@pytest.mark.parametrize(("given", "expected", "rule"), CASES.values(), ids=CASES.keys())
def test_routing(given: dict[str, Any], expected: str, rule: str) -> None:
    decision = ask(**given)
    assert isinstance(decision, Routed)
    assert (decision.department, decision.why["rule"]) == (expected, rule)


@pytest.mark.parametrize("about", [{"abstained": "uncertain"}, {"abstained": "uncertain", "category": "home"}, {}])
def test_what_the_model_would_not_decide_is_for_a_human(about: dict[str, Any]) -> None:
    decision = ask(**about)
    assert isinstance(decision, Triage)
    assert decision.reason == "uncertain"
    assert decision.words


def test_the_reason_of_the_abstention_is_kept() -> None:
    assert ask(abstained="too_short").reason == "too_short"


def test_falling_back_to_the_city_is_said() -> None:
    assert "市级承办" in ask(category="home").why["zh"]
    assert "市级承办" not in ask(category="home", place="990102").why["zh"]


def test_co_handlers_are_of_the_same_district_and_never_the_responsible_department() -> None:
    trapped = {"category": "home.lift", "urgency": "emergency", "text": "困人"}
    assert ask(**trapped, place="990102").co == ("east-housing",)


def test_a_clock_starts_when_the_case_is_routed() -> None:
    due = ask(category="home").due
    assert due == {
        "clock": "standard",
        "started_at": "2026-11-20T01:30:00.000Z",
        "accept_by": "2026-11-20T03:30:00.000Z",
        "resolve_by": "2026-11-21T01:30:00.000Z",
    }


def test_a_clock_may_start_when_the_message_was_received() -> None:
    due = ask(channel="deputy", category="home").due
    assert (due["clock"], due["started_at"]) == ("slow", "2026-11-20T01:00:00.000Z")


def test_a_clock_that_starts_with_acceptance_allows_for_the_latest_one() -> None:
    waiting = Rules(PACK.model_copy(update={"clocks": (clock("patient", "accepted"),)}))
    message = Message(id="m", channel="hotline", text="电梯坏了", received_at="2026-11-20T09:00:00+08:00")
    due = waiting.due(message, Classification(model_version="1", category="home"), NOW)
    assert (due["accept_by"], due["resolve_by"]) == ("2026-11-20T03:30:00.000Z", "2026-11-21T03:30:00.000Z")


AT_ONCE, LATE = "2026-11-20T02:00:00.000Z", "2026-11-20T09:00:00.000Z"


@pytest.mark.parametrize(
    ("accepted", "started", "resolve_by"),
    [(AT_ONCE, AT_ONCE, "2026-11-21T02:00:00.000Z"), (LATE, "2026-11-20T03:30:00.000Z", "2026-11-21T03:30:00.000Z")],
    ids=["earlier than it had to be", "too late: it gains no time"],
)
def test_the_acceptance_starts_a_clock_that_waits_for_it(accepted: str, started: str, resolve_by: str) -> None:
    waiting = Rules(PACK.model_copy(update={"clocks": (clock("patient", "accepted"),)}))
    message = Message(id="m", channel="hotline", text="电梯坏了", received_at="2026-11-20T09:00:00+08:00")
    told = waiting.due(message, Classification(model_version="1", category="home"), NOW)
    due = waiting.due_once_accepted(told, accepted)
    assert due == told | {"started_at": started, "resolve_by": resolve_by}


def test_the_acceptance_changes_no_other_clock() -> None:
    due = ask(category="home").due
    assert RULES.due_once_accepted(due, AT_ONCE) == due
    assert RULES.due_once_accepted(due | {"clock": "of an older pack"}, AT_ONCE)["resolve_by"] == due["resolve_by"]


def test_the_first_clock_that_applies_counts() -> None:
    assert ask(channel="deputy", category="home", urgency="emergency").due["clock"] == "fast"


def test_500_messages_are_routed_in_milliseconds() -> None:
    """The reach is 10 ms on a quiet core; the test leaves room for a busy one."""

    def once() -> float:
        started = time.process_time()
        for _ in range(500):
            ask(category="home.lift", place="990102")
        return time.process_time() - started

    assert min(once() for _ in range(5)) < 0.05
