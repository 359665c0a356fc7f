"""Which region a text speaks of, from the names in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.classifier.alphabet import normalise
from services.classifier.features import Place
from services.classifier.words import pattern
from shared.pack.model import Pack


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The names of a city's regions and of the places in them."""

    codes: dict[str, tuple[str, ...]]
    """A name in normal form → the regions it may mean."""
    parents: dict[str, str]
    """A region → the one it lies in."""

    def pattern(self) -> re.Pattern[str]:
        """Finds the names, the longest at each place."""
        return pattern(self.codes)

    def decide(self, places: Iterable[Place]) -> tuple[str, str] | None:
        """The deepest region named and the name that says so; None where two equally deep ones are named."""
        named = [(place, self._narrowed(self.codes[place.name], others)) for place, others in self._with_others(list(places))]
        codes = {code for _, possible in named for code in possible}
        deepest = max(map(self._depth, codes), default=0)
        best = [code for code in codes if self._depth(code) == deepest]
        if len(best) != 1:
            return None
        return best[0], next(place.written for place, possible in named if best[0] in possible)

    def _with_others(self, places: list[Place]) -> Iterable[tuple[Place, set[str]]]:
        """Each place with the regions that unambiguous names mean."""
        sure = {code for place in places for code in self.codes[place.name] if len(self.codes[place.name]) == 1}
        return ((place, sure) for place in places)

    def _narrowed(self, possible: tuple[str, ...], sure: set[str]) -> tuple[str, ...]:
        """Of the regions an ambiguous name may mean, those that another name speaks for (a 建设路 in the district just named)."""
        supported = tuple(code for code in possible if sure & set(self._upwards(code)[:-1]))
        return supported or possible

    def _depth(self, code: str) -> int:
        return len(self._upwards(code))

    def _upwards(self, code: str) -> list[str]:
        """The region and those it lies in, up to the city."""
        parent = self.parents.get(code)
        return [code, *(self._upwards(parent) if parent else [])]


def gazetteer(pack: Pack) -> Gazetteer:
    """The names of a pack's regions, in all its languages."""
    codes: dict[str, tuple[str, ...]] = {}
    for region in pack.regions:
        for name in {normalise(name).strip() for name in (region.name.zh, region.name.en, *region.aliases, *region.places)} - {""}:
            codes[name] = (*codes.get(name, ()), region.code)
    return Gazetteer(codes, {region.code: region.parent for region in pack.regions if region.parent})
