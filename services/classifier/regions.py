"""Which region a text speaks of, from the names in it."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from services.classifier.alphabet import normalise
from services.classifier.features import Tokens
from services.classifier.words import Finder
from shared.pack.model import Pack
from shared.pack.places import spoken_names


@dataclass(frozen=True)
class Gazetteer:
    """The names of a city's regions and of the places in them."""

    codes: dict[str, tuple[str, ...]]
    """A name in normal form → the regions it may mean."""
    parents: dict[str, str]
    """A region → the one it lies in."""

    def finder(self) -> Finder:
        """Finds the names, the longest at each place."""
        return Finder(self.codes)

    def decide(self, names: Collection[str]) -> tuple[str, str] | None:
        """The deepest region named and the first name that says so; None where two equally deep ones are named."""
        meant = {name: self.codes[name] for name in names}
        possible = {code for codes in meant.values() for code in codes}
        if len(possible) > 1:
            meant = self._narrowed(meant)
            possible = self._deepest({code for codes in meant.values() for code in codes})
        if len(possible) != 1:
            return None
        (region,) = possible
        return region, next(name for name in names if region in meant[name])

    def find(self, tokens: Tokens) -> list[tuple[str, str] | tuple[None, None]]:
        """For each document its region and the name that gave it away, as it is written there."""
        named: dict[int, dict[str, str]] = {}
        for start, end in tokens.places:
            names = named.setdefault(bisect_right(tokens.bounds, start), {})
            names.setdefault(tokens.normal[start:end], tokens.written[start:end])
        found: list[tuple[str, str] | tuple[None, None]] = [(None, None)] * len(tokens.bounds)
        for document, names in named.items():
            decided = self.decide(names)
            if decided:
                found[document] = decided[0], names[decided[1]]
        return found

    def _narrowed(self, meant: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Of what an ambiguous name may mean, what other names speak for (a 建设路 in the district just named)."""
        sure = {codes[0] for codes in meant.values() if len(codes) == 1}
        return {name: self._supported(codes, sure) if len(codes) > 1 else codes for name, codes in meant.items()}

    def _supported(self, codes: tuple[str, ...], sure: set[str]) -> tuple[str, ...]:
        return tuple(code for code in codes if not sure.isdisjoint(self._upwards[code][:-1])) or codes

    def _deepest(self, codes: set[str]) -> set[str]:
        depth = max(len(self._upwards[code]) for code in codes)
        return {code for code in codes if len(self._upwards[code]) == depth}

    @cached_property
    def _upwards(self) -> dict[str, list[str]]:
        """Each region with those it lies in, up to the city."""
        return {code: self._above(code) for codes in self.codes.values() for code in codes}

    def _above(self, code: str) -> list[str]:
        parent = self.parents.get(code)
        return [code, *(self._above(parent) if parent else [])]


def gazetteer(pack: Pack) -> Gazetteer:
    """The names by which a pack's regions are known, in all its languages: their own, old ones, and those of places in them."""
    codes: dict[str, tuple[str, ...]] = {}
    for spoken, region in spoken_names(pack.regions, pack.gazetteer):
        name = normalise(spoken).strip()
        if name and region not in codes.get(name, ()):
            codes[name] = (*codes.get(name, ()), region)
    return Gazetteer(codes, {region.code: region.parent for region in pack.regions if region.parent})
