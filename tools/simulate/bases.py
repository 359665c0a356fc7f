"""What is said: the examples that training never sees, and where in the city each can be said."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from shared.events.words import Kind, Urgency
from shared.pack.model import Example
from shared.pack.split import split
from tools.simulate.ground import Ground, Named
from tools.simulate.plan import Traffic

Swap: TypeAlias = tuple[tuple[str, str], ...]
"""Which names make room for which."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to say it in a district."""

    swap: Swap = ()
    region: str | None = None
    """The deepest region that the text names then."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A text to say."""

    id: str
    text: str
    title: str
    category: str
    kind: Kind
    urgency: Urgency
    language: str
    groups: frozenset[str] = frozenset()
    """Who alone says such a thing; empty: anybody."""
    channels: frozenset[str] = frozenset()
    """Through which doors alone; empty: any."""
    side: str = ""


Pool: TypeAlias = Sequence[tuple[Base, Sequence[Option]]]
_ANYWHERE = (Option(),)
_SCRIPTS = (("ko", "[\uac00-\ud7a3]"), ("ja", "[\u3040-\u30ff]"), ("ru", "[\u0400-\u04ff]"), ("ar", "[\u0600-\u06ff]"))
_HAN = re.compile("[\u4e00-\u9fff]")
_LATIN = re.compile("[A-Za-z]{2,}")


def language_of(text: str, usual: str) -> str:
    """By its script: enough to tell who needs an interpreter."""
    for language, pattern in _SCRIPTS:
        if len(re.findall(pattern, text)) * 4 > len(text):
            return language
    words, signs = len(_LATIN.findall(text)), len(_HAN.findall(text))
    if usual == "zh":
        return "en" if words > 3 and signs * 2 < words else "zh"
    return "zh" if signs > words else usual


class Bases:
    """The kept examples as bases, by need."""

    def __init__(self, examples: Sequence[Example], ground: Ground, traffic: Traffic) -> None:
        self._ground, self._traffic = ground, traffic
        self._alike = cache(self._alike_in)
        self.pools: Mapping[tuple[str, str], Pool] = self._sort(split(examples)[1])
        """By leaf and district, in the order of the pack."""

    def _sort(self, kept: Iterable[Example]) -> dict[tuple[str, str], list[tuple[Base, Sequence[Option]]]]:
        pools: dict[tuple[str, str], list[tuple[Base, Sequence[Option]]]] = defaultdict(list)
        for example in kept:
            base = self._base(example)
            for district in self._ground.districts:
                if options := self._options(example, district):
                    pools[example.category, district].append((base, options))
        return pools

    def _base(self, example: Example) -> Base:
        said = f"{example.title}\n{example.text}"
        return Base(
            id=hashlib.sha256(said.encode()).hexdigest()[:12],
            text=example.text,
            title=example.title,
            category=example.category,
            kind=example.kind,
            urgency=example.urgency,
            language=language_of(example.text, self._ground.pack.city.language),
            groups=frozenset(group.code for group in self._traffic.groups if any(word in said for word in group.words)),
            channels=self._channels(example, said),
        )

    def _channels(self, example: Example, said: str) -> frozenset[str]:
        if example.channel:
            return frozenset({example.channel})
        rules = [rule.channels for rule in self._traffic.wording.only if any(word in said for word in rule.words)]
        return frozenset(rules[0]) if rules else frozenset()

    def _options(self, example: Example, district: str) -> Sequence[Option]:
        if not example.places and not example.region:
            return _ANYWHERE
        slots = self._slots(example)
        if slots and (options := self._alike(tuple(slots), district)):
            return options
        at_home = self._ground.district(example.region) in (district, None)
        return (Option(region=example.region),) if at_home else ()

    def _slots(self, example: Example) -> list[tuple[str, Named]]:
        """The names that may be swapped, if that leaves no other name behind that would then be wrong."""
        found = dict.fromkeys(self._ground.pattern.findall(f"{example.title}\n{example.text}"))
        city = self._ground.pack.city.region
        slots = [(name, self._ground.named[name]) for name in found]
        telling = [(name, one) for name, one in slots if one.region != city]
        swappable = all(one.key[0] for _, one in telling) and {name for name, _ in telling} == set(example.places)
        return telling if swappable and len(telling) <= 2 else []

    def _alike_in(self, slots: tuple[tuple[str, Named], ...], district: str) -> Sequence[Option]:
        """All ways to fill one name, or a name and the region around it."""
        if len(slots) == 1:
            ((name, one),) = slots
            return tuple(Option(((name, other.name),), other.region) for other in self._ground.alike(one.key, district))
        (name, one), (around, region) = sorted(slots, key=lambda slot: -len(slot[1].region))
        if region.region not in self._ground.pack.atlas.around(one.region) or region.name != self._ground.outer(one, region.key):
            return ()
        options = []
        for other in self._ground.alike(one.key, district):
            if outer := self._ground.outer(other, region.key):
                options.append(Option(((name, other.name), (around, outer)), other.region))
        return tuple(options)
