"""The true needs: a leaf in a district, how often on a day, who has them, and who of those says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate
from random import Random

from tools.simulate.ground import Ground
from tools.simulate.people import People
from tools.simulate.plan import Event, Lift, Project, Season, Traffic

_SPREAD = 0.7
"""Of the natural differences between needs, as a standard deviation of logarithms."""


@dataclass(slots=True, eq=False)
class Need:
    """A leaf in a district."""

    id: str
    category: str
    district: str
    streets: tuple[str, ...]
    """Where people can have it."""
    weight: float = 1.0
    said: dict[str, list[int]] = field(default_factory=dict)
    """By group: troubles that were told, and messages."""

    def count(self, group: str, *, first: bool) -> None:
        """One more message, of a new trouble or of one told before."""
        tally = self.said.setdefault(group, [0, 0])
        tally[0] += first
        tally[1] += 1


def within(code: str, prefixes: Sequence[str]) -> bool:
    """Whether a category is one of these or below one; no prefix is every category."""
    return not prefixes or any(code == prefix or code.startswith(prefix + ".") for prefix in prefixes)


def inside(need: Need, regions: Sequence[str]) -> float:
    """What part of the need's streets lies in these regions; all of it where none are named."""
    if not regions:
        return 1.0
    touched = sum(any(street.startswith(region) for region in regions) for street in need.streets)
    return touched / len(need.streets)


class Needs:
    """All needs with their weights, day by day."""

    def __init__(
        self, pools: Mapping[tuple[str, str], object], ground: Ground, traffic: Traffic, people: People, seed: int
    ) -> None:
        self._ground, self._traffic, self._people = ground, traffic, people
        self.all = [need for leaf, district in pools if (need := self._need(leaf, district, seed))]
        self._touched: dict[int, list[tuple[int, float]]] = {}
        self.groups_of = lru_cache(maxsize=None)(self._groups_of)

    def _need(self, leaf: str, district: str, seed: int) -> Need | None:
        streets = self._ground.streets[district]
        for terrain in self._traffic.rhythm.terrain:
            if within(leaf, terrain.categories):
                streets = [street for street in streets if street.startswith(terrain.regions)]
        if not streets:
            return None
        need = Need(f"{leaf}@{district}", leaf, district, tuple(streets))
        rng = Random(f"{seed}/need/{need.id}")  # noqa: S311 - made up, no secret
        size = sum(map(self._ground.size, streets))
        need.weight = size * rng.lognormvariate(0, _SPREAD) * self._lift(self._traffic.rhythm.weights, need)
        return need

    @staticmethod
    def _lift(lifts: Sequence[Lift], need: Need) -> float:
        product = 1.0
        for lift in lifts:
            if within(need.category, lift.categories):
                product *= 1 + (lift.factor - 1) * inside(need, lift.regions)
        return product

    def _touches(self, lift: Lift | Project) -> list[tuple[int, float]]:
        """Which needs it changes, and how much; found once."""
        if id(lift) not in self._touched:
            self._touched[id(lift)] = [
                (index, 1 + (lift.factor - 1) * part)
                for index, need in enumerate(self.all)
                if within(need.category, lift.categories) and (part := inside(need, lift.regions))
            ]
        return self._touched[id(lift)]

    @cached_property
    def _usual(self) -> list[float]:
        return [need.weight for need in self.all]

    @cached_property
    def plain(self) -> float:
        """What all weights add up to without seasons, projects and events."""
        return sum(self._usual) or 1.0

    def season(self, day: date) -> list[float]:
        """The weights of a day as every year has it."""
        weights = self._usual.copy()
        seasons: Sequence[Season] = self._traffic.rhythm.seasons
        for season in seasons:
            if season.covers(day):
                for index, lift in self._touches(season):
                    weights[index] *= lift
        return weights

    def level(self, day: date) -> float:
        """How much more or less people have to say than without seasons."""
        return sum(self.season(day)) / self.plain

    def today(self, day: date, start: date) -> tuple[list[float], dict[int, tuple[float, str]]]:
        """The accumulated weights, and for needs that an event lifts: what part of today is its doing."""
        weights = self.season(day)
        for project in self._traffic.projects:
            if day >= finished(project, start):
                for index, change in self._touches(project):
                    weights[index] *= change
        caused: dict[int, tuple[float, str]] = {}
        for event in self._traffic.events:
            for index, lift in self._surging(event, day, start):
                weights[index] *= lift
                caused[index] = (1 - 1 / lift, event.code)
        return list(accumulate(weights)), caused

    def _surging(self, event: Event, day: date, start: date) -> list[tuple[int, float]]:
        begun = (day - event.begins(start)).days
        return [
            touched for surge in event.surges if 0 <= begun < surge.days for touched in self._touches(surge) if touched[1] > 1
        ]

    def _groups_of(self, need: Need) -> tuple[list[str], list[float]]:
        """Who speaks of it, by accumulated weights."""
        affected = {}
        for group in self._people.groups:
            lift = self._lift(group.lifts, need)
            affected[group.code] = self._people.share(group.code, need.streets) * lift
        speaks = [affected[group.code] * group.readiness for group in self._people.groups]
        return list(affected), list(accumulate(speaks))

    def silent(self, need: Need, group: str, told: int, seed: int) -> int:
        """How many of the group had the trouble and said nothing, while so many told of it."""
        readiness = next(one.readiness for one in self._people.groups if one.code == group)
        mean = told * (1 - readiness) / readiness
        rng = Random(f"{seed}/silent/{need.id}/{group}")  # noqa: S311 - made up, no secret
        return max(0, round(rng.gauss(mean, (mean / readiness) ** 0.5)))


def finished(project: Project, start: date) -> date:
    """The day from which its effect counts: the first such day of the year after the start."""
    month, day = map(int, project.finished.split("-"))
    found = date(start.year, month, 1) + timedelta(days=day - 1)
    return found if found >= start else date(start.year + 1, month, 1) + timedelta(days=day - 1)
