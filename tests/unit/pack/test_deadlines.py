"""Until when: days counted from the right one, on the right calendar."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.pack.calendar import Calendar
from shared.pack.deadlines import accept_by, resolve_by
from shared.pack.model import Text
from shared.pack.routes import Clock

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar.model_validate(
    {
        "years": {
            "2026": {
                "holidays": [{"name": {"zh": "国庆节"}, "from": "2026-10-01", "to": "2026-10-07"}],
                "workdays": ["2026-10-10"],
            }
        }
    }
)
WEDNESDAY, SATURDAY = "2026-09-30T15:00", "2026-09-26T15:00"

CASES: list[tuple[str, dict[str, Any], str]] = [
    (WEDNESDAY, {}, "2026-10-02T15:00"),
    (WEDNESDAY, {"resolve_days": 0.5}, "2026-10-01T03:00"),
    (WEDNESDAY, {"days": "workdays"}, "2026-10-09T15:00"),
    (WEDNESDAY, {"days": "workdays", "resolve_days": 3}, "2026-10-10T15:00"),
    (SATURDAY, {"days": "workdays", "resolve_days": 1}, "2026-09-28T15:00"),
    (WEDNESDAY, {"first_day": "next_day"}, "2026-10-03T00:00"),
    (WEDNESDAY, {"first_day": "next_day", "days": "workdays"}, "2026-10-10T00:00"),
    (WEDNESDAY, {"first_day": "next_workday"}, "2026-10-10T00:00"),
    (WEDNESDAY, {"first_day": "next_workday", "days": "workdays"}, "2026-10-10T00:00"),
    (SATURDAY, {"first_day": "next_workday", "resolve_days": 1}, "2026-09-29T00:00"),
]


def clock(**fields: Any) -> Clock:
    return Clock.model_validate({"code": "a", "name": Text(zh="钟"), "accept_hours": 2, "resolve_days": 2, **fields})


@pytest.mark.parametrize(("start", "fields", "end"), CASES)
def test_days_are_counted(start: str, fields: dict[str, Any], end: str) -> None:
    begun = datetime.fromisoformat(start).replace(tzinfo=SHANGHAI).astimezone(UTC)
    found = resolve_by(clock(**fields), CALENDAR, SHANGHAI, begun)
    assert found.astimezone(SHANGHAI).isoformat(timespec="minutes")[:16] == end


def test_a_days_end_is_that_of_the_city() -> None:
    late = datetime(2026, 9, 28, 23, 30, tzinfo=UTC)  # the 29th already in Shanghai
    assert resolve_by(clock(first_day="next_day", resolve_days=1), CALENDAR, SHANGHAI, late) == datetime(
        2026, 9, 30, 16, tzinfo=UTC
    )


def test_hours_to_accept_run_at_night() -> None:
    start = datetime(2026, 9, 28, 23, 30, tzinfo=UTC)
    assert accept_by(clock(), start) == datetime(2026, 9, 29, 1, 30, tzinfo=UTC)
