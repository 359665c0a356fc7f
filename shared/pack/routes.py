"""Who is responsible and until when, as a city writes it down: ordered rules whose first that holds decides."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.words import Kind, Urgency
from shared.pack.parts import CategoryCode, Code, Level, Part, RegionCode, Text


class Conditions(Part):
    """All that are given must hold; an empty one holds always. A category matches with everything below it."""

    category: tuple[CategoryCode, ...] = ()
    kind: tuple[Kind, ...] = ()
    urgency: tuple[Urgency, ...] = ()
    region: tuple[RegionCode, ...] = ()
    channel: tuple[Code, ...] = ()
    words: tuple[str, ...] = ()
    """Any of them occurs in the title or the text."""


class Target(Part):
    """Who is to handle it: a function at a level, or one department by code."""

    function: Code | None = None
    level: Level = "city"
    department: Code | None = None


class Route(Part):
    """An ordered, named rule; the first whose conditions hold decides."""

    name: Code
    why: Text
    when: Conditions = Conditions()
    to: Target
    co: tuple[Target, ...] = ()


class Clock(Part):
    """How long a department has; the first whose conditions hold applies."""

    code: Code
    name: Text
    when: Conditions = Conditions()
    accept_hours: Annotated[float, Field(gt=0, le=24 * 365)]
    resolve_days: Annotated[float, Field(gt=0, le=365)]
    starts: Literal["received", "routed", "accepted"] = "routed"
    first_day: Literal["same", "next_day", "next_workday"] = "same"
    """`same`: the days run from the moment itself; else the first whole day, and the last one counts to its end."""
    days: Literal["workdays", "calendar"] = "calendar"
