"""How much comes on a day and through which door, and at what time of day."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import accumulate
from math import exp
from random import Random

from shared.pack.model import Pack
from tools.simulate.people import People, pick
from tools.simulate.plan import Door, Group, Traffic

YEAR = 365
_SATURDAY = 5
_HOURS = range(24)


class Doors:
    """The channels with their rhythm; a channel without one of its own has a plain one."""

    def __init__(self, pack: Pack, traffic: Traffic, people: People) -> None:
        described = {door.channel: door for door in traffic.rhythm.doors}
        codes = [channel.code for channel in pack.channels if not channel.retired]
        known = described or {code: Door(channel=code) for code in codes}
        self.all: Mapping[str, Door] = {code: known[code] for code in codes if code in known}
        self._calendar, self._people = pack.calendar, people
        self._of = {group.code: self.of(group) for group in people.groups}
        self._hours = {code: list(accumulate(door.hours)) for code, door in self.all.items()}

    def flow(self, door: Door, day: date) -> float:
        """What part of a usual weekday's messages comes on this day."""
        works, weekday = self._calendar.is_workday(day), day.weekday()
        if works:
            return door.week[min(weekday, _SATURDAY - 1)]  # a Saturday that is worked is a Friday
        return door.holiday if weekday < _SATURDAY else min(door.week[weekday], max(door.holiday, door.week[weekday]))

    def of(self, group: Group) -> Mapping[str, float]:
        """Through which doors the group speaks, adding up to 1."""
        weights = group.doors or {code: door.share for code, door in self.all.items()}
        whole = sum(weight for code, weight in weights.items() if code in self.all) or 1
        return {code: weights[code] / whole for code in self.all if weights.get(code)}

    def of_code(self, group: str) -> Mapping[str, float]:
        """The same, by the group's code."""
        return self._of[group]

    def today(self, day: date) -> Mapping[str, tuple[list[str], list[float]]]:
        """By group: doors and their accumulated weights on this day."""
        flows = {code: self.flow(door, day) for code, door in self.all.items()}
        found = {}
        for group in self._people.groups:
            doors = self.of(group)
            weights = [share * flows[code] for code, share in doors.items()]
            usual = any(weights)
            found[group.code] = (list(doors), list(accumulate(weights if usual else doors.values())))
        return found

    def level(self, day: date) -> float:
        """What part of a usual weekday's messages comes on this day, over all groups."""
        whole = heard = 0.0
        for group in self._people.groups:
            weight = group.share * group.readiness
            whole += weight
            heard += weight * sum(share * self.flow(self.all[code], day) for code, share in self.of(group).items())
        return heard / (whole or 1)

    def moment(self, rng: Random, channel: str) -> int:
        """A second of the day."""
        hour = pick(rng, _HOURS, self._hours[channel])
        return int(hour) * 3600 + int(rng.random() * 3600)


def days_from(start: date, days: int) -> Iterator[date]:
    """So many days."""
    return (start + timedelta(days=number) for number in range(days))


def poisson(rng: Random, mean: float) -> int:
    """How many, when so many are usual; for large means the normal distribution is near enough."""
    if mean > 60:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, number, product = exp(-mean), 0, rng.random()
    while product > limit:
        product *= rng.random()
        number += 1
    return number
