"""A city's own data, frozen: what `load_pack` hands to the services once every file has been checked.

Codes never change their meaning (DESIGN "Packs change"): a retired code stays, marked `retired`.
"""

from functools import cached_property
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import Field

from shared.events.words import Kind, Urgency
from shared.pack.calendar import Calendar
from shared.pack.categories import Category, Crosswalk, Open311, walk
from shared.pack.departments import Department, Desk
from shared.pack.matters import Matter, Reply, ReturnReason
from shared.pack.parts import CategoryCode, Code, Part, RegionCode, Text
from shared.pack.places import Atlas, Place, Region
from shared.pack.routes import Clock, Conditions, Route, Target

__all__ = [
    "Category",
    "Channel",
    "City",
    "Clock",
    "Conditions",
    "Department",
    "Desk",
    "Example",
    "Pack",
    "Place",
    "Region",
    "Route",
    "Target",
    "Text",
    "walk",
]


class Limits(Part):
    """What a channel's system can carry. Told to its makers; intake has limits of its own."""

    text_chars: Annotated[int, Field(gt=0)] | None = None
    per_minute: Annotated[int, Field(gt=0)] | None = None
    attachments: Annotated[int, Field(ge=0)] | None = None


class Channel(Part):
    """A door that citizens use."""

    code: Code
    name: Text
    carries: Text = Text()
    languages: tuple[str, ...] = ("zh",)
    clock: Code = "standard"
    limits: Limits = Limits()
    retired: bool = False


class Span(NamedTuple):
    """Where a place is named: in `title` or in `text`, from the first character to the one after the last."""

    field: str
    start: int
    end: int


class Example(Part):
    """A labelled message that the classifier learns from."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    title: str = ""
    category: CategoryCode
    kind: Kind
    urgency: Urgency = "normal"
    region: RegionCode | None = None
    places: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Names of places as they stand in the title or the text."""
    department: Code | None = None
    """Who should get it: the routes are tested by it."""
    channel: Code | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where each of the places is first named."""
        return tuple(span for name in self.places for span in self._span(name))

    def _span(self, name: str) -> tuple[Span, ...]:
        for field, text in (("title", self.title), ("text", self.text)):
            if (start := text.find(name)) >= 0:
                return (Span(field, start, start + len(name)),)
        return ()


Prefix: TypeAlias = Annotated[str, Field(pattern=r"^\d{3,10}$")]


class Reserved(Part):
    """Number ranges that belong to nobody, for examples: prefixes."""

    mobile: tuple[Prefix, ...] = ()
    resident_id: tuple[Prefix, ...] = ()


class City(Part):
    """`pack.yaml`: what the city is called and where everything ends that nothing else takes."""

    name: Code
    title: Text
    version: str
    language: str = "zh"
    timezone: str = "Asia/Shanghai"
    region: RegionCode
    catch_all: Code
    """The department that takes what no route takes."""
    test_desk: Code
    """The department where messages of test keys end."""
    case_prefix: Annotated[str, Field(pattern=r"^[A-Z]{0,6}$")] = ""
    """What case numbers begin with; empty: the first two letters of `name`."""
    reserved: Reserved = Reserved()


class Pack(Part):
    """A whole pack. The look-ups by code are built once."""

    city: City
    regions: tuple[Region, ...]
    departments: tuple[Department, ...]
    categories: tuple[Category, ...]
    """The first level; `Category.children` holds the rest."""
    channels: tuple[Channel, ...]
    routes: tuple[Route, ...]
    clocks: tuple[Clock, ...]
    gazetteer: tuple[Place, ...] = ()
    calendar: Calendar = Calendar()
    matters: tuple[Matter, ...] = ()
    returns: tuple[ReturnReason, ...] = ()
    replies: tuple[Reply, ...] = ()
    crosswalks: tuple[Crosswalk, ...] = ()
    open311: Open311 = Open311()

    @cached_property
    def region_by_code(self) -> dict[str, Region]:
        """Every region, retired ones too."""
        return {region.code: region for region in self.regions}

    @cached_property
    def atlas(self) -> Atlas:
        """What lies in what."""
        return Atlas(self.regions)

    @cached_property
    def department_by_code(self) -> dict[str, Department]:
        """Every department, retired ones too."""
        return {department.code: department for department in self.departments}

    @cached_property
    def channel_by_code(self) -> dict[str, Channel]:
        """Every channel, retired ones too."""
        return {channel.code: channel for channel in self.channels}

    @cached_property
    def category_by_code(self) -> dict[str, Category]:
        """Every category of every level."""
        return {node.code: node for top in self.categories for node in walk(top)}
