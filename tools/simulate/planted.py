"""Planted events: who is affected, who of them speaks, on which day and in which of the texts written for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import log
from random import Random
from typing import Any

from tools.simulate.bases import Base, Option, language_of
from tools.simulate.ground import Ground
from tools.simulate.needs import Need
from tools.simulate.people import People, Person, pick
from tools.simulate.plan import Event, Said
from tools.simulate.rhythm import Doors

USUAL = 2000
"""Messages a day for which the number of people of an event is written."""
_CERTAIN = 0.95
_TRIES = 200


@dataclass(slots=True)
class Utterance:
    """Somebody says something on a day."""

    base: Base
    option: Option
    person: Person
    channel: str
    trouble: str
    need: Need | None = None
    event: str | None = None
    said: int = 1
    """For the first time, or again."""
    raw: bool = False
    """In exactly these words."""
    known: bool = False
    """The door learns who it is."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An event on its first day: its people, and what they will say, with the days from now."""

    affected: list[dict[str, Any]]
    sayings: list[tuple[int, Utterance]]


class Planted:
    """Turns events into utterances."""

    def __init__(self, ground: Ground, people: People, doors: Doors, *, per_day: int, seed: int) -> None:
        self._ground, self._people, self._doors = ground, people, doors
        self._scale, self._seed = per_day / USUAL, seed

    def begin(self, event: Event) -> Begun:
        """Everything of the event, decided on its first day."""
        rng = Random(f"{self._seed}/event/{event.code}")  # noqa: S311 - made up, no secret
        says = {"once": self._once, "often": self._often, "daily": self._daily, "doors": self._through_doors}[event.use]
        affected: list[dict[str, Any]] = []
        sayings = list(says(rng, event, self._texts(event), affected))
        return Begun(affected, sayings)

    def _texts(self, event: Event) -> list[tuple[Said, Base, Option]]:
        return [
            (said, self._base(event, number, said), Option(region=said.region or self._ground.told(f"{said.title}\n{said.text}")))
            for number, said in enumerate(event.texts, 1)
        ]

    def _base(self, event: Event, number: int, said: Said) -> Base:
        return Base(
            id=f"{event.code}/{number}",
            text=said.text,
            title=said.title,
            category=said.category or event.category,
            kind=said.kind or event.kind,
            urgency=said.urgency or event.urgency,
            language=language_of(said.text, self._ground.pack.city.language),
            side=said.side,
        )

    def _streets(self, event: Event) -> tuple[str, ...]:
        every = [street for streets in self._ground.streets.values() for street in streets]
        return tuple(street for street in every if any(street.startswith(r) or r.startswith(street) for r in event.regions))

    def _crowd(self, rng: Random, event: Event) -> Iterator[Person]:
        """People it affects, each once, for ever: by group and street as they live there."""
        streets = self._streets(event)
        groups = [group.code for group in self._people.groups if not event.groups or group.code in event.groups]
        until = list(accumulate(self._people.share(group, streets) for group in groups))
        seen: set[int] = set()
        while until[-1]:
            person = self._people.draw(rng, pick(rng, groups, until), streets, skew=1.0)
            tries = 0
            while person.number in seen and tries < _TRIES:
                person, tries = self._people.draw(rng, person.group, streets, skew=1.0), tries + 1
            if person.number in seen:
                return  # nobody is left
            seen.add(person.number)
            yield person

    def _speakers(self, rng: Random, event: Event) -> Iterator[Person]:
        """Those of the crowd whom one knows by a number of their own, the readier ones sooner."""
        for person in self._crowd(rng, event):
            phone = self._people.phone(person)
            if rng.random() < self._readiness(person, event) and (phone is None or not phone[1]):
                yield person

    def _readiness(self, person: Person, event: Event) -> float:
        readiness = next(group.readiness for group in self._people.groups if group.code == person.group)
        return min(_CERTAIN, readiness * event.speak)

    def _once(
        self, rng: Random, event: Event, texts: Sequence[tuple[Said, Base, Option]], affected: list[dict[str, Any]]
    ) -> Iterator[tuple[int, Utterance]]:
        waiting = list(texts)
        for number, person in enumerate(self._crowd(rng, event)):
            speaks = bool(waiting) and (rng.random() < self._readiness(person, event) or number + len(waiting) >= event.people)
            if speaks:
                said, base, option = waiting.pop(0)
                yield self._when(rng, event, said), self._utterance(rng, event, (said, base, option), person, raw=True)
            affected.append(self._line(event, person, speaks=speaks))
            if number + 1 >= event.people and not waiting:
                return

    def _often(
        self, rng: Random, event: Event, texts: Sequence[tuple[Said, Base, Option]], affected: list[dict[str, Any]]
    ) -> Iterator[tuple[int, Utterance]]:
        total = max(1, round(event.people * self._scale))
        for number, person in enumerate(self._crowd(rng, event)):
            if number >= total:
                return
            speaks = rng.random() < self._readiness(person, event)
            affected.append(self._line(event, person, speaks=speaks))
            if speaks:
                text = texts[int(rng.random() * len(texts))]
                yield self._when(rng, event, text[0]), self._utterance(rng, event, text, person)

    def _daily(
        self, rng: Random, event: Event, texts: Sequence[tuple[Said, Base, Option]], affected: list[dict[str, Any]]
    ) -> Iterator[tuple[int, Utterance]]:
        person = next(self._speakers(rng, event))
        affected.append(self._line(event, person, speaks=True))
        for day in range(event.days):
            said, base, option = texts[day % len(texts)]
            counted = replace(base, text=base.text.replace("{n}", str(day + 1)))
            one = self._utterance(rng, event, (said, counted, option), person, raw=True)
            one.known, one.said, one.trouble = True, day + 1, event.code
            yield day, one

    def _through_doors(
        self, rng: Random, event: Event, texts: Sequence[tuple[Said, Base, Option]], affected: list[dict[str, Any]]
    ) -> Iterator[tuple[int, Utterance]]:
        person = next(self._speakers(rng, event))
        affected.append(self._line(event, person, speaks=True))
        for number, text in enumerate(texts, 1):
            one = self._utterance(rng, event, text, person, raw=True)
            one.known, one.said, one.trouble = True, number, event.code
            yield text[0].day or 0, one

    def _utterance(
        self, rng: Random, event: Event, text: tuple[Said, Base, Option], person: Person, *, raw: bool = False
    ) -> Utterance:
        said, base, option = text
        channel = said.channel or self._door(rng, person)
        trouble = f"{event.code}-{person.id}"
        return Utterance(base, option, person, channel, trouble, event=event.code, raw=raw)

    def _door(self, rng: Random, person: Person) -> str:
        group = next(group for group in self._people.groups if group.code == person.group)
        doors: Mapping[str, float] = self._doors.of(group)
        usable = {code: share for code, share in doors.items() if not self._doors.all[code].kinds}
        return str(pick(rng, list(usable), list(accumulate(usable.values()))))

    @staticmethod
    def _when(rng: Random, event: Event, said: Said) -> int:
        """So many days after it began."""
        if said.day is not None:
            return said.day
        return int(rng.expovariate(log(2) / event.half_life)) % event.days

    @staticmethod
    def _line(event: Event, person: Person, *, speaks: bool) -> dict[str, Any]:
        return {"event": event.code, "person": person.id, "group": person.group, "region": person.street, "spoke": speaks}
