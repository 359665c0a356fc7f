"""Who lives in the city: everybody is a number, and what is known of a person is worked out from it, so nobody is stored."""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Any

from tools.simulate.ground import Ground
from tools.simulate.plan import Gives, Group, Traffic

DIGITS = 11
"""Of a mobile number."""
PLAIN = Group.model_validate({"code": "everyone", "name": {"en": "Everyone"}, "share": 1, "readiness": 0.3})
"""Where the pack tells no groups apart."""
_SHARED = 40
"""One in so many uses the phone of a neighbour in number: families share phones."""
_PER_DAILY_MESSAGE = 60
_AT_LEAST = 100_000


@dataclass(frozen=True, slots=True)
class Person:
    """One citizen."""

    number: int
    group: str
    street: str

    @property
    def id(self) -> str:
        """As the truth calls them."""
        return f"p{self.number:07d}"


class People:
    """The population in cells, one for each group and street; a cell owns a range of numbers."""

    def __init__(self, ground: Ground, traffic: Traffic, per_day: int, seed: int) -> None:
        self.groups = traffic.groups or (PLAIN,)
        self._organisations = frozenset(group.code for group in self.groups if group.organisation)
        self._ground, self._seed, self._wording = ground, seed, traffic.wording
        self._prefixes = ground.pack.city.reserved.mobile
        self._sizes = self._spread(max(_AT_LEAST, per_day * _PER_DAILY_MESSAGE))
        self._starts = [0, *accumulate(self._sizes.values())]
        self._cells = list(self._sizes)
        self.total = self._starts[-1]
        self._start_of = dict(zip(self._cells, self._starts, strict=False))
        self._step = next(step for step in (7919, 7927, 7933) if self.total % step)
        self.streets_of = lru_cache(maxsize=None)(self._streets_of)

    def _spread(self, population: int) -> dict[tuple[str, str], int]:
        weights = {
            (group.code, street): group.share * self._ground.size(street) * factor(group.regions, street)
            for group in self.groups
            for streets in self._ground.streets.values()
            for street in streets
        }
        whole = sum(weights.values()) or 1
        return {cell: max(1, int(population * weight / whole)) for cell, weight in weights.items() if weight > 0}

    def share(self, group: str, streets: Sequence[str]) -> int:
        """How many of the group live in these streets."""
        return sum(self._sizes.get((group, street), 0) for street in streets)

    def _streets_of(self, group: str, streets: tuple[str, ...]) -> list[int]:
        return list(accumulate(self._sizes.get((group, street), 0) for street in streets))

    def draw(self, rng: Random, group: str, streets: tuple[str, ...], skew: float = 1.6) -> Person:
        """One of the group who lives in one of these streets; with a skew some speak far more often than others."""
        street = pick(rng, streets, self.streets_of(group, streets))
        size = self._sizes.get((group, street), 1)
        number = self._start_of.get((group, street), 0) + int(size * rng.random() ** skew)
        return Person(number, group, street)

    def person(self, number: int) -> Person:
        """The person with this number."""
        group, street = self._cells[bisect_right(self._starts, number) - 1]
        return Person(number, group, street)

    def phone(self, person: Person) -> tuple[str, bool] | None:
        """The number, and whether it is a neighbour's. None where the reserved range has no more."""
        place = person.number * self._step % self.total
        shared = place % _SHARED == 0
        place += shared
        for prefix in self._prefixes:
            room = 10 ** (DIGITS - len(prefix))
            if place < room:
                return f"{prefix}{place:0{DIGITS - len(prefix)}d}", shared
            place -= room
        return None

    def _fixed(self, person: Person) -> bytes:
        return hashlib.blake2b(f"{self._seed}/{person.number}".encode(), digest_size=16).digest()

    def _name(self, fixed: bytes, *, firm: bool) -> str | None:
        words = self._wording
        if firm and words.firms:
            return words.firms[fixed[0] * 256 % len(words.firms)].replace("{given}", words.given[fixed[1] % len(words.given)])
        if not words.surnames or not words.given:
            return None
        first = words.given[int.from_bytes(fixed[2:4]) % len(words.given)]
        return words.surnames[int.from_bytes(fixed[4:6]) % len(words.surnames)] + first

    def citizen(self, person: Person, channel: str, gives: Gives, rng: Random) -> dict[str, Any]:
        """What the channel learns of them."""
        organisation = person.group in self._organisations
        known: dict[str, Any] = {"kind": "organisation" if organisation else "person"}
        if rng.random() < gives.anonymous:
            return known | {"anonymous": True}
        fixed = self._fixed(person)
        if rng.random() < gives.name and (name := self._name(fixed, firm=organisation)):
            known["name"] = name
        if rng.random() < gives.phone and (phone := self.phone(person)):
            known["phone"] = phone[0]
        if rng.random() < gives.account:
            known["account"] = f"{channel}-{fixed[6:11].hex()}"
        if rng.random() < gives.email:
            known["email"] = f"{fixed[6:11].hex()}@mail.invalid"
        return known


def factor(regions: Mapping[str, float], street: str) -> float:
    """What the longest code that fits says; 1 where none does."""
    fitting = [code for code in regions if street.startswith(code)]
    return regions[max(fitting, key=len)] if fitting else 1.0


def pick(rng: Random, choices: Sequence[Any], until: Sequence[float]) -> Any:
    """One of the choices, by their accumulated weights."""
    return choices[min(bisect_right(until, rng.random() * until[-1]), len(choices) - 1)]
