"""A city's own data, frozen: what `load_pack` hands to the services once every file has been checked.

Codes never change their meaning (DESIGN "Packs change"): a retired code stays, marked `retired`.
"""

from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from shared.events.words import Kind, Urgency

CategoryCode: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+){0,2}$", max_length=100)]
"""A path such as `housing.property`: each part is a level, first to third."""
Code: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
RegionCode: TypeAlias = Annotated[str, Field(pattern=r"^\d{6}(\d{3}|\d{6})?$")]
"""GB/T 2260 (six digits) or its extension to streets (nine) and communities (twelve)."""
Level: TypeAlias = Literal["city", "district"]


class Part(BaseModel):
    """What every part of a pack has in common: frozen, and no field that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Text(Part):
    """A text shown to people, in both of the product's languages."""

    zh: str = ""
    en: str = ""

    def __str__(self) -> str:
        """The Chinese text, or the English one where there is none."""
        return self.zh or self.en


class Region(Part):
    """An administrative region with the names people use for it."""

    code: RegionCode
    name: Text
    level: Literal["city", "district", "county", "street", "community"]
    parent: RegionCode | None = None
    aliases: tuple[str, ...] = ()
    """Other names of the region itself."""
    places: tuple[str, ...] = ()
    """Names of places in it by which a text can be placed: towns, roads, landmarks."""


class Desk(Part):
    """Where a department takes cases in, and who is responsible for it (a post, never a person)."""

    owner: Text
    hours: str = ""


class Department(Part):
    """A department that can be given cases."""

    code: Code
    name: Text
    function: Code
    """Its function (职能): what routes name, so that one rule serves every district."""
    level: Level
    region: RegionCode
    duties: Text = Text()
    desk: Desk
    retired: bool = False


class Category(Part):
    """A node of the category tree."""

    code: CategoryCode
    name: Text
    definition: Text = Text()
    not_here: Text | None = None
    function: Code | None = None
    level: Level | None = None
    usual_kind: Kind | None = None
    synonyms: tuple[str, ...] = ()
    children: tuple["Category", ...] = ()
    retired: bool = False


class Channel(Part):
    """A door that citizens use."""

    code: Code
    name: Text
    carries: Text = Text()
    languages: tuple[str, ...] = ("zh",)
    clock: Code = "standard"
    retired: bool = False


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
    starts: Literal["received", "routed"] = "routed"


class Example(Part):
    """A labelled message that the classifier learns from."""

    text: Annotated[str, Field(min_length=2, max_length=20_000)]
    title: str = ""
    category: CategoryCode
    kind: Kind
    urgency: Urgency = "normal"
    region: RegionCode | None = None
    channel: Code | None = None


class Reserved(Part):
    """Number ranges that belong to nobody, for examples: prefixes."""

    mobile: tuple[str, ...] = ()
    resident_id: tuple[str, ...] = ()


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

    @cached_property
    def region_by_code(self) -> dict[str, Region]:
        """Every region."""
        return {region.code: region for region in self.regions}

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


def walk(category: Category) -> list[Category]:
    """The category and everything below it, parents first."""
    return [category, *(node for child in category.children for node in walk(child))]
