"""When people speak: hours, weeks, holidays and seasons, by a fixed seed."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.unit.tools.simulated import Made, simulation, write


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Eight weeks with the Spring Festival in them."""
    return write(simulation(56, 400, start="2026-01-05"), tmp_path_factory.mktemp("winter"))


@pytest.fixture(scope="module")
def summer(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write(simulation(21, 1000, start="2026-08-10"), tmp_path_factory.mktemp("summer"))


def moments(made: Made, channel: str) -> list[datetime]:
    return [datetime.fromisoformat(one["submitted_at"]) for one in made.messages if one["channel"] == channel]


def part(made: Made, prefix: str) -> float:
    return sum(true["category"].startswith(prefix) for true in made.truth) / len(made.truth)


def test_times_have_the_citys_zone_and_come_in_order(winter: Made):
    times = [one["submitted_at"] for one in winter.messages]
    assert all(time.endswith("+08:00") for time in times)
    assert times == sorted(times)


def test_the_hotline_is_busiest_in_the_morning_and_quiet_at_night(winter: Made):
    hours = Counter(moment.hour for moment in moments(winter, "hotline"))
    assert hours[9] + hours[10] > 12 * (hours[2] + hours[3])
    assert hours[10] > 1.4 * hours[12]


def test_the_app_is_used_in_the_evening(winter: Made):
    hours = Counter(moment.hour for moment in moments(winter, "app"))
    assert hours[21] > hours[10]


def test_monday_is_heavier_than_sunday(winter: Made):
    days = Counter(moment.weekday() for moment in moments(winter, "hotline") if moment.date() < date(2026, 2, 9))
    assert days[0] > 1.6 * days[6]


def test_the_hall_takes_nothing_on_sundays_and_holidays(winter: Made):
    days = {moment.date() for moment in moments(winter, "hall")}
    assert not [day for day in days if day.weekday() == 6]
    assert not [day for day in days if date(2026, 2, 16) <= day <= date(2026, 2, 20)]


def test_a_saturday_that_is_worked_is_a_workday():
    doors = simulation(1, 1).doors
    hotline = doors.all["hotline"]
    assert (
        doors.flow(hotline, date(2026, 2, 14)) == doors.flow(hotline, date(2026, 2, 13)) > doors.flow(hotline, date(2026, 2, 7))
    )


def test_the_spring_festival_is_quiet(winter: Made):
    days = Counter(one["submitted_at"][:10] for one in winter.messages)
    assert days["2026-02-17"] < 0.75 * days["2026-01-20"]


def test_wages_are_a_matter_of_winter_and_enrolment_one_of_summer(winter: Made, summer: Made):
    assert part(winter, "labour.wages") > 2 * part(summer, "labour.wages")
    assert part(summer, "education.enrolment") > 2 * part(winter, "education.enrolment")


def test_a_year_has_about_as_many_messages_as_were_asked_for(tmp_path: Path):
    made = simulation(365, 60)
    planted = sum(len(event.texts) for event in made.traffic.events if event.use != "often") + 210
    written = write(made, tmp_path)
    everyday = [true for true in written.truth if not true["event"]]
    assert abs(len(everyday) / (365 * 60) - 1) < 0.05
    assert planted < len(written.truth) - len(everyday) < 0.1 * len(written.truth)


def test_groups_differ_in_how_readily_they_speak(summer: Made):
    groups = {group["group"]: group for group in summer.summary["groups"]}
    heard = summer.summary["counts"]["group"]
    assert heard["parents"] / groups["parents"]["people"] > 3 * heard["farmers"] / groups["farmers"]["people"]
    assert abs(sum(groups["old"]["doors"].values()) - 1) < 1e-9


def test_the_old_ring_up_and_the_young_use_the_app(summer: Made):
    doors = Counter((true["group"], message["channel"]) for message, true in zip(summer.messages, summer.truth, strict=True))
    assert doors["old", "hotline"] > 10 * doors["old", "app"]
    assert doors["young", "app"] > doors["young", "hotline"]
