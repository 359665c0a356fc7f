"""The city as the simulation walks it: districts, their streets, and which names may stand for each other."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from shared.pack.model import Pack, Place, Region

Key: TypeAlias = tuple[str, str]
"""Names with the same key may stand for each other: the same kind of thing, ending in the same word."""
_LONG_ENDINGS = frozenset({"school", "hospital", "station", "market"})
_RIGID = frozenset({"landmark", "river", "industrial", "city"})
"""Nobody can say of one what is said of another."""


class Named(NamedTuple):
    """A name, what may stand for it, and the deepest region it tells."""

    name: str
    key: Key
    region: str


class Ground:
    """Look-ups by code; everything in the order of the pack."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        root = pack.city.region
        alive = [region for region in pack.regions if not region.retired]
        self._below: dict[str, list[Region]] = defaultdict(list)
        for region in alive:
            self._below[region.parent or ""].append(region)
        self.districts = [region.code for region in self._below[root]] or [root]
        self.streets = {code: [region.code for region in self._below[code]] or [code] for code in self.districts}

    def name(self, code: str) -> str:
        """What people call the region."""
        return str(self.pack.region_by_code[code].name)

    def size(self, street: str) -> int:
        """How many communities it has: about how many people."""
        return max(1, len(self._below[street]))

    def district(self, code: str | None) -> str | None:
        """The district that the region lies in, or is; None for the city as a whole."""
        around = self.pack.atlas.around(code) if code else []
        return next((found for found in around if found in self.streets), None)

    def street(self, code: str) -> str | None:
        """The street that the region lies in, or is."""
        district = self.district(code)
        return (
            next((found for found in self.pack.atlas.around(code) if found in self.streets[district]), None) if district else None
        )

    @cached_property
    def named(self) -> dict[str, Named]:
        """Every name in use that tells where something is, aliases too; a name of two things tells nothing."""
        found: dict[str, Named] = {}
        for name, one in self._all_names():
            if name in found and found[name] != one:
                found[name] = Named(one.name, ("", ""), self.pack.city.region)
            else:
                found[name] = one
        return found

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds names in a text, the longest first."""
        return re.compile("|".join(map(re.escape, sorted(self.named, key=len, reverse=True))) or "(?!)")

    def told(self, text: str) -> str | None:
        """The deepest region that the names in the text tell; None where they tell none, or of several."""
        root = self.pack.city.region
        codes = [code for name in self.pattern.findall(text) if (code := self.named[name].region) != root]
        if not codes:
            return None
        deepest = max(codes, key=len)
        around = self.pack.atlas.around(deepest)
        return deepest if all(code in around for code in codes) else self._common(codes)

    def _common(self, codes: list[str]) -> str | None:
        found = self.pack.atlas.common(codes)
        return None if found == self.pack.city.region else found

    def _all_names(self) -> Iterator[tuple[str, Named]]:
        for region in self.pack.regions:
            if not region.retired:
                name = str(region.name)
                one = Named(name, self._key(region.level, name), region.code)
                yield from ((spoken, one) for spoken in (name, *region.aliases))
        for place in self.pack.gazetteer:
            one = Named(place.name, self._key(place.kind, place.name), self._region_of(place))
            yield from ((spoken, one) for spoken in (place.name, *place.aliases))

    def _region_of(self, place: Place) -> str:
        return self.pack.atlas.common(place.regions) or self.pack.city.region

    @staticmethod
    def _key(kind: str, name: str) -> Key:
        if kind in _RIGID:
            return "", ""
        ending = name.rpartition(" ")[2] if " " in name else name[-2 if kind in _LONG_ENDINGS else -1 :]
        return kind, ending

    @cached_property
    def _alike(self) -> dict[tuple[Key, str], list[Named]]:
        groups: dict[tuple[Key, str], list[Named]] = defaultdict(list)
        for spoken, one in self.named.items():
            district = self.district(one.region)
            if spoken == one.name and one.key[0] and district:
                groups[one.key, district].append(one)
        return groups

    def alike(self, key: Key, district: str) -> Sequence[Named]:
        """The names in the district that may stand there."""
        return self._alike.get((key, district), ())

    @cached_property
    def places(self) -> dict[str, list[str]]:
        """By street: roads, estates and villages in it, to meet at."""
        found: dict[str, list[str]] = defaultdict(list)
        for place in self.pack.gazetteer:
            street = self.street(self._region_of(place))
            if street and place.kind in {"road", "estate", "village", "market", "school"}:
                found[street].append(place.name)
        return found

    def outer(self, one: Named, key: Key) -> str | None:
        """The name of the region with this key that the named thing lies in."""
        for code in self.pack.atlas.around(one.region):
            region = self.pack.region_by_code[code]
            if self._key(region.level, str(region.name)) == key and str(region.name) != one.name:
                return str(region.name)
        return None
