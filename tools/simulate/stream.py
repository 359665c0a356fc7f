"""The traffic itself, day by day: nothing is kept but today's messages and what is yet to be said again."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from shared.pack.model import Example, Pack
from tools.simulate.bases import Base, Bases, Option, Pool
from tools.simulate.ground import Ground
from tools.simulate.needs import Need, Needs
from tools.simulate.people import People, pick
from tools.simulate.plan import Gives, Traffic
from tools.simulate.planted import Planted, Utterance
from tools.simulate.rhythm import YEAR, Doors, days_from, poisson
from tools.simulate.supply import shortages
from tools.simulate.voice import Voice

_SAID_AGAIN = frozenset({"complaint", "help", "report"})
_USUAL_WAIT, _LONGEST_WAIT = 9.0, 60
_OTHER_DOOR = 0.4
_WAITING_AT_MOST = 20
"""Days of messages that may wait to be said again; beyond that nobody repeats himself."""
_LOOKS = 30
_KNOWN = Gives(name=1, phone=1, account=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command was asked for."""

    days: int
    per_day: int
    seed: int
    start: date


@dataclass(frozen=True, slots=True)
class Today:
    """A day's messages as channels post them, each with its truth, and who of an event's people it began to affect."""

    messages: list[tuple[dict[str, Any], dict[str, Any]]]
    affected: list[dict[str, Any]]


class Simulation:
    """The same choice gives the same bytes; a shorter run is the beginning of a longer one."""

    def __init__(self, pack: Pack, examples: Sequence[Example], traffic: Traffic, choice: Choice) -> None:
        self.ground = Ground(pack)
        self.traffic = traffic.model_copy(update={"events": traffic.events + shortages(traffic, self.ground)})
        self.choice = choice
        self.people = People(self.ground, self.traffic, choice.per_day, choice.seed)
        self.doors = Doors(pack, self.traffic, self.people)
        self.bases = Bases(examples, self.ground, self.traffic)
        self.needs = Needs(self.bases.pools, self.ground, self.traffic, self.people, choice.seed)
        self._voice = Voice(self.traffic.wording, self.ground, pack.city.language)
        self._planted = Planted(self.ground, self.people, self.doors, per_day=choice.per_day, seed=choice.seed)
        self._zone, self._language = ZoneInfo(pack.city.timezone), pack.city.language
        self._tag = hashlib.sha256(f"{pack.city.name}/{choice.seed}/{choice.per_day}/{choice.start}".encode()).hexdigest()[:6]
        self._hoaxes = {event.code for event in self.traffic.events if event.hoax}
        self._later: list[tuple[int, int, Utterance]] = []
        self._pushed = 0
        self._foreign = {group.code: group.languages for group in self.people.groups}
        self._theirs = lru_cache(maxsize=None)(self._find_theirs)

    def run(self) -> Iterator[Today]:
        """Day after day."""
        usual = self.choice.per_day / self._mean()
        for number, day in enumerate(days_from(self.choice.start, self.choice.days)):
            rng = Random(f"{self.choice.seed}/{day.isoformat()}")  # noqa: S311 - made up, no secret
            affected = self._begin(number, day)
            said = [*self._due(number), *self._everyday(rng, number, day, usual)]
            yield Today(list(self._written(rng, day, list(self._admitted(rng, said, number, day)))), affected)

    def _admitted(self, rng: Random, said: list[Utterance], number: int, day: date) -> Iterator[Utterance]:
        """Who finds the door shut comes again tomorrow; who was heard may come again later."""
        shut = {code for code, door in self.doors.all.items() if not self.doors.flow(door, day)}
        for one in said:
            if one.channel in shut:
                self._push(number + 1, one)
            else:
                if one.need:
                    self._perhaps_again(rng, number, one)
                yield one

    def _mean(self) -> float:
        """What a day of a year from the start has, of a usual weekday without seasons."""
        levels = [self.doors.level(day) * self.needs.level(day) for day in days_from(self.choice.start, YEAR)]
        return sum(levels) / YEAR * self._repeats() or 1

    def _repeats(self) -> float:
        """How many messages a trouble has on average."""
        kinds = [base.kind for pool in self.bases.pools.values() for base, _ in pool]
        repeated = sum(kind in _SAID_AGAIN for kind in kinds) / (len(kinds) or 1)
        return 1 + self.traffic.rhythm.again * repeated

    def _begin(self, number: int, day: date) -> list[dict[str, Any]]:
        affected: list[dict[str, Any]] = []
        for event in self.traffic.events:
            if event.begins(self.choice.start) == day:
                begun = self._planted.begin(event)
                affected += begun.affected
                for after, one in begun.sayings:
                    self._push(number + after, one)
        return affected

    def _push(self, number: int, one: Utterance) -> None:
        heappush(self._later, (number, self._pushed, one))
        self._pushed += 1

    def _due(self, number: int) -> Iterator[Utterance]:
        while self._later and self._later[0][0] <= number:
            yield heappop(self._later)[2]

    def _everyday(self, rng: Random, number: int, day: date, usual: float) -> Iterator[Utterance]:
        until, caused = self.needs.today(day, self.choice.start)
        doors = self.doors.today(day)
        level = self.doors.level(day) * (until[-1] / self.needs.plain if until else 0)
        for count in range(poisson(rng, usual * level)):
            index, group, channel = self._chosen(rng, until, doors)
            one = self._told(rng, self.needs.all[index], group, channel)
            one.trouble = f"t{day:%y%m%d}-{count}"
            if index in caused and rng.random() < caused[index][0]:
                one.event = caused[index][1]
            yield one

    def _chosen(self, rng: Random, until: list[float], doors: Any) -> tuple[int, str, str]:
        """A need, a group that speaks of it, and a door; a door for one kind of message looks for a need that has it."""
        indices = range(len(until))
        index = pick(rng, indices, until)
        group = str(pick(rng, *self.needs.groups_of(self.needs.all[index])))
        channel = str(pick(rng, *doors[group]))
        if kinds := self.doors.all[channel].kinds:
            others = (pick(rng, indices, until) for _ in range(_LOOKS))
            index = next((other for other in others if self._has(self.needs.all[other], kinds)), index)
        return index, group, channel

    def _has(self, need: Need, kinds: Sequence[str]) -> bool:
        return any(base.kind in kinds and not base.channels for base, _ in self.bases.pools[need.category, need.district])

    def _told(self, rng: Random, need: Need, group: str, channel: str) -> Utterance:
        base, options, channel = self._something(rng, need, group, channel)
        person = self.people.draw(rng, group, need.streets)
        return Utterance(base, options[int(rng.random() * len(options))], person, channel, "", need)

    def _something(self, rng: Random, need: Need, group: str, channel: str) -> tuple[Base, Sequence[Option], str]:
        """What one of the group may say through the door; where nothing fits, something that fits another door."""
        theirs, kinds = self._theirs(need, group), self.doors.all[channel].kinds
        fitting = [
            one for one in theirs if (not one[0].channels or channel in one[0].channels) and (not kinds or one[0].kind in kinds)
        ]
        base, options = (fitting or theirs)[int(rng.random() * len(fitting or theirs))]
        return base, options, channel if fitting else self._another_door(rng, base, group, channel)

    def _find_theirs(self, need: Need, group: str) -> Pool:
        """What one of the group may say: in a language of theirs, and nothing that only others say of themselves."""
        pool = self.bases.pools[need.category, need.district]
        foreign = self._foreign[group]
        spoken = [one for one in pool if one[0].language in foreign] if foreign else []
        spoken = spoken or [one for one in pool if one[0].language == self._language]
        return [one for one in spoken if not one[0].groups or group in one[0].groups] or spoken or pool

    def _another_door(self, rng: Random, base: Base, group: str, channel: str) -> str:
        """Through which the base may come: one of its own, else one the group uses that takes everything."""
        own = [code for code in self.doors.all if code in base.channels]
        every = [code for code, door in self.doors.all.items() if not door.kinds or base.kind in door.kinds]
        usual = self.doors.of_code(group)
        choices = own or [code for code in every if code in usual] or every or [channel]
        return str(pick(rng, choices, list(accumulate(usual.get(code, 0.01) for code in choices))))

    def _perhaps_again(self, rng: Random, number: int, one: Utterance) -> None:
        often = self.traffic.rhythm.again * min(one.said, 2)
        if one.base.kind not in _SAID_AGAIN or rng.random() >= often:
            return
        if len(self._later) < self.choice.per_day * _WAITING_AT_MOST:
            after = 2 + int(min(_LONGEST_WAIT, rng.expovariate(1 / _USUAL_WAIT)))
            channel = (
                self._another_door(rng, one.base, one.person.group, one.channel) if rng.random() < _OTHER_DOOR else one.channel
            )
            self._push(number + after, replace(one, said=one.said + 1, channel=channel))

    def _written(self, rng: Random, day: date, said: list[Utterance]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        timed = sorted((self.doors.moment(rng, one.channel), place) for place, one in enumerate(said))
        midnight = datetime.combine(day, time(), self._zone)
        for number, (second, place) in enumerate(timed, 1):
            moment = midnight + timedelta(seconds=second)
            yield self._message(rng, said[place], moment, f"{day:%Y%m%d}-{self._tag}-{number:06d}")

    def _message(self, rng: Random, one: Utterance, moment: datetime, external_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        street = one.person.street
        title, text, told = self._words(rng, one, street)
        gives = _KNOWN if one.known else self.doors.all[one.channel].gives
        message: dict[str, Any] = {"channel": one.channel, "external_id": external_id}
        if title:
            message["title"] = title
        message |= {"text": text, "submitted_at": moment.isoformat(), "language": one.base.language}
        message["citizen"] = self.people.citizen(one.person, one.channel, gives, rng)
        where = told or street
        if rng.random() < self.doors.all[one.channel].gives.place:
            message["place"] = {"region": where, "address": self._address(rng, where)}
        if one.need:
            one.need.count(one.person.group, first=one.said == 1)
        return message, self._truth(one, external_id, where, told)

    def _words(self, rng: Random, one: Utterance, street: str) -> tuple[str, str, str | None]:
        if one.raw:
            return one.base.title, one.base.text, one.option.region
        return self._voice.say(rng, one.base, one.option, channel=one.channel, street=street, said=one.said)

    def _address(self, rng: Random, region: str) -> str:
        street = self.ground.street(region)
        return self._voice.fill(rng, "{district}{street}{place}", street) if street else self.ground.name(region)

    def _truth(self, one: Utterance, external_id: str, where: str, told: str | None) -> dict[str, Any]:
        hoax = one.event in self._hoaxes
        return {
            "external_id": external_id,
            "person": one.person.id,
            "group": one.person.group,
            "need": one.need.id if one.need else None if hoax else one.event,
            "event": one.event,
            "trouble": one.trouble,
            "said": one.said,
            "category": one.base.category,
            "kind": one.base.kind,
            "urgency": one.base.urgency,
            "region": where,
            "told_region": told,
            "base": one.base.id,
            "side": one.base.side or None,
            "hoax": hoax,
        }
