"""Where things are: regions, and the gazetteer of what people name in them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from shared.pack.parts import Part, RegionCode, Text

PlaceKind: TypeAlias = Literal[
    "road",
    "river",
    "bridge",
    "landmark",
    "park",
    "station",
    "estate",
    "school",
    "hospital",
    "market",
    "village",
    "industrial",
]


class Former(Part):
    """A name that a region had, and that people still use."""

    name: Annotated[str, Field(min_length=1)]
    until: date


class Region(Part):
    """An administrative region with the names people use for it."""

    code: RegionCode
    name: Text
    level: Literal["city", "district", "county", "street", "community"]
    parent: RegionCode | None = None
    aliases: tuple[str, ...] = ()
    """Other names of the region itself."""
    former: tuple[Former, ...] = ()
    places: tuple[str, ...] = ()
    """Names of places in it by which a text can be placed, for a pack without a gazetteer."""
    retired: bool = False
    """It is no more; its code stays readable."""
    since: date | None = None
    """When it was retired."""
    successors: tuple[RegionCode, ...] = ()
    """What it was split into, or the one it was merged into."""


class Place(Part):
    """Something with a name that people say when they mean where: a road, a market, an estate."""

    name: Annotated[str, Field(min_length=1)]
    kind: PlaceKind
    regions: Annotated[tuple[RegionCode, ...], Field(min_length=1)]
    """The deepest region it lies in; a long road or a river names several."""
    aliases: tuple[str, ...] = ()


class Atlas:
    """Which region lies in which, and what a code of yesterday means today."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.regions: Mapping[str, Region] = {region.code: region for region in regions}

    def around(self, code: str) -> list[str]:
        """The region and those around it, up to the city; nothing for a code that nobody knows."""
        found: list[str] = []
        region = self.regions.get(code)
        while region and region.code not in found:
            found.append(region.code)
            region = self.regions.get(region.parent or "")
        return found

    def common(self, codes: Sequence[str]) -> str | None:
        """The deepest region that all of these lie in, or are."""
        paths = [self.around(code) for code in codes]
        return next((code for code in paths[0] if all(code in path for path in paths)), None) if paths else None

    def today(self, code: str) -> str | None:
        """The region itself, or for a retired one what it lies in today: its successor, or where all its successors lie."""
        region = self.regions.get(code)
        if region is None or not region.retired:
            return region.code if region else None
        heirs = [heir for heir in map(self.today, region.successors) if heir]
        return self.common(heirs) or region.parent


def spoken_names(regions: Sequence[Region], places: Sequence[Place]) -> Iterator[tuple[str, RegionCode]]:
    """Every name that tells where something is, with the region it tells of; a name may tell of several."""
    atlas = Atlas(regions)
    gone = {name for region in regions if region.retired for name in (region.name.zh, region.name.en)}
    for region in regions:
        today = atlas.today(region.code)
        former = (old.name for old in region.former if old.name not in gone)  # a retired region speaks for itself
        names = (region.name.zh, region.name.en, *region.aliases, *former, *region.places)
        yield from ((name, today) for name in names if today)
    for place in places:
        region_code = atlas.common(place.regions)
        yield from ((name, region_code) for name in (place.name, *place.aliases) if region_code)
