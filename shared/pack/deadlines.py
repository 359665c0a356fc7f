"""Until when: a clock's days counted on a city's calendar. Pure."""

import math
from datetime import date, datetime, time, timedelta, tzinfo

from shared.pack.calendar import Calendar
from shared.pack.routes import Clock

_DAY = timedelta(days=1)


def accept_by(clock: Clock, start: datetime) -> datetime:
    """When a department must have said that it takes the case: hours run at night too."""
    return start + timedelta(hours=clock.accept_hours)


def resolve_by(clock: Clock, calendar: Calendar, zone: tzinfo, start: datetime) -> datetime:
    """When the case must be done if the clock starts then."""
    if clock.first_day == "same" and clock.days == "calendar":
        return start + timedelta(days=clock.resolve_days)
    local = start.astimezone(zone)
    if clock.first_day == "same":
        last = _workday(calendar, local.date(), math.ceil(clock.resolve_days))
        return datetime.combine(last, local.time(), zone)
    return _end_of(_last_day(clock, calendar, local.date()), zone)


def _last_day(clock: Clock, calendar: Calendar, start: date) -> date:
    """The last of the days when the first is a day after the start."""
    days = math.ceil(clock.resolve_days)
    if clock.days == "workdays":  # whichever day counting begins, the first that counts is a workday
        return _workday(calendar, start, days)
    first = _workday(calendar, start, 1) if clock.first_day == "next_workday" else start + _DAY
    return first + (days - 1) * _DAY


def _workday(calendar: Calendar, start: date, number: int) -> date:
    """The first, second, … workday after a day."""
    day = start
    while number:
        day += _DAY
        number -= calendar.is_workday(day)
    return day


def _end_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day + _DAY, time(), zone)
