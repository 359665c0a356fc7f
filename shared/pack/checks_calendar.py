"""What must fit in a calendar: dates in their years, holidays in order, workdays that need saying."""

from datetime import date
from itertools import pairwise
from typing import NamedTuple

from shared.pack.calendar import Calendar
from shared.pack.comparing import not_empty
from shared.pack.draft import Draft
from shared.pack.known import Known
from shared.pack.mistakes import Findings
from shared.pack.source import Node

_SATURDAY = 5


class _Range(NamedTuple):
    first: date
    last: date
    node: Node


def check_calendar(draft: Draft, _: Known, findings: Findings) -> None:
    """All of `calendar.yaml`."""
    for node in draft["calendar"].nodes:
        _library(node, findings)
        years = node.at("years")
        for number, year in years.parts.items() if years else ():
            _year(str(number), year, draft, findings)


def _library(node: Node, findings: Findings) -> None:
    source, country, subdivision = (node.at(name) for name in ("source", "country", "subdivision"))
    if source and not country:
        findings.mistake(source, "a source without a country", "`country: …`, as in ISO 3166-1: GB")
    for lonely in (country, subdivision):
        if lonely and not source:
            findings.mistake(lonely, "a country without a source", "`source: holidays`")
            return
    if country and source and source not in findings.misshapen:
        calendar = Calendar(source="holidays", country=country.raw, subdivision=subdivision.raw if subdivision else None)
        if not calendar.knows_its_country():
            found = f"the library knows no `{'-'.join(part.raw for part in (country, subdivision) if part)}`"
            findings.mistake(country, found, "codes of ISO 3166, such as `country: GB` with `subdivision: ENG`")


def _year(number: str, year: Node, draft: Draft, findings: Findings) -> None:
    holidays = [found for node in year.items("holidays") if (found := _range(node, number, findings))]
    for before, after in pairwise(holidays):
        if after.first <= before.last:
            what = f"a holiday from {after.first} on, when the one before ends on {before.last}"
            findings.mistake(after.node, what, "holidays in order, none within another")
    for node in year.items("workdays"):
        _workday(node, number, draft, findings)


def _range(node: Node, year: str, findings: Findings) -> _Range | None:
    not_empty(node.at("name"), "name", findings)
    first, last = _date(node.at("from")), _date(node.at("to"))
    if first is None or last is None:
        return None
    if last < first:
        findings.mistake(node.nearest("to"), f"a holiday from {first} to {last}", "its last day not before its first")
        return None
    if year.isdecimal() and int(year) not in (first.year, last.year):
        findings.mistake(node.nearest("from"), f"a holiday of {first} under {year}", f"under {first.year}")
        return None
    return _Range(first, last, node)


def _workday(node: Node, year: str, draft: Draft, findings: Findings) -> None:
    day = _date(node)
    if day is None:
        return
    if year.isdecimal() and day.year != int(year):
        findings.mistake(node, f"a workday of {day} under {year}", f"under {day.year}")
    elif day.weekday() < _SATURDAY and not _holiday(day, draft):
        findings.mistake(node, f"{day} is a workday anyway", "weekends and holidays only that are worked")


def _holiday(day: date, draft: Draft) -> bool:
    """By the calendar without its workdays; one that could not be understood says yes to everything."""
    values = draft["calendar"].values
    if not values:
        return True
    calendar: Calendar = values[0]
    years = {number: year.model_copy(update={"workdays": ()}) for number, year in calendar.years.items()}
    bare = Calendar(years=years, source=calendar.source, country=calendar.country, subdivision=calendar.subdivision)
    return not bare.knows_its_country() or not bare.is_workday(day)


def _date(node: Node | None) -> date | None:
    """What is no date is blamed for its shape."""
    try:
        return date.fromisoformat(node.raw) if node else None
    except ValueError:
        return None
