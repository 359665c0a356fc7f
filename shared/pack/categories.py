"""What messages are about: the tree of categories, and the codes that other systems have for them."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.events.words import Kind
from shared.pack.parts import CategoryCode, Code, Level, Part, Text


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


def walk(category: Category) -> list[Category]:
    """The category and everything below it, parents first."""
    return [category, *(node for child in category.children for node in walk(child))]


class Counterpart(Part):
    """One code of another system, and the categories that mean the same."""

    theirs: Annotated[str, Field(min_length=1)]
    name: Text
    ours: Annotated[tuple[CategoryCode, ...], Field(min_length=1)]


class Crosswalk(Part):
    """The codes of another system, one version of them."""

    system: Text
    version: str
    valid_from: date
    department: Code
    """Whose system it is."""
    codes: tuple[Counterpart, ...]


class Service(Part):
    """A service of Open311 GeoReport v2, and the category it stands for."""

    service_code: Annotated[str, Field(min_length=1)]
    service_name: Annotated[str, Field(min_length=1)]
    description: str = ""
    group: str = ""
    keywords: tuple[str, ...] = ()
    metadata: bool = False
    category: CategoryCode


class Open311(Part):
    """What the Open311 list of services answers."""

    services: tuple[Service, ...] = ()
