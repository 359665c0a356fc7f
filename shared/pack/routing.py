"""Which department is responsible: the pack's ordered rules, compiled once. Pure.

The first rule whose conditions all hold decides. The router decides with this, and `yijian pack check` tries it on the examples.
"""

from collections.abc import Iterable
from typing import NamedTuple

from shared.pack.model import Example, Pack
from shared.pack.routes import Clock, Conditions, Route, Target


class Facts(NamedTuple):
    """What rules and clocks ask about a message."""

    category: str
    """Empty when nobody has decided."""
    categories: frozenset[str]
    """The category and everything above it."""
    kind: str
    urgency: str
    regions: frozenset[str]
    """Where it is, and every region around that place."""
    channel: str
    text: str
    district: str | None


class Choice(NamedTuple):
    """A rule's departments."""

    route: Route
    department: str
    co: tuple[str, ...]
    city_instead: bool
    """The rule wants a district's department, and none is known or has it."""


class When:
    """Conditions in a form that is quick to check."""

    def __init__(self, conditions: Conditions) -> None:
        self.category = frozenset(conditions.category)
        self._region = frozenset(conditions.region)
        self._kind, self._urgency, self._channel = conditions.kind, conditions.urgency, conditions.channel
        self._words = tuple(word.casefold() for word in conditions.words)

    def covers(self, categories: frozenset[str]) -> bool:
        """Whether the category fits: with everything below it."""
        return not self.category or not self.category.isdisjoint(categories)

    def holds(self, facts: Facts) -> bool:
        """Whether all that is asked for is so."""
        return (
            self.covers(facts.categories)
            and (not self._kind or facts.kind in self._kind)
            and (not self._urgency or facts.urgency in self._urgency)
            and (not self._channel or facts.channel in self._channel)
            and (not self._region or not self._region.isdisjoint(facts.regions))
            and (not self._words or any(word in facts.text for word in self._words))
        )


class Routing:
    """A pack's rules, ready to decide thousands of messages a second."""

    def __init__(self, pack: Pack) -> None:
        self._pack, self._city = pack, pack.city
        self._rules = [(When(route.when), route) for route in pack.routes]
        self._clocks = [(When(each.when), each) for each in pack.clocks]
        self._desks = {
            (each.function, self._city.region if each.level == "city" else each.region[:6]): each.code
            for each in reversed(pack.departments)  # of several, the first counts
            if not each.retired
        }
        in_use = [region for region in pack.regions if not region.retired]
        self._districts = {region.code for region in in_use if region.level in ("district", "county")}
        self._around = {code: frozenset(pack.atlas.around(code)) for code in pack.region_by_code}
        self._today = {code: pack.atlas.today(code) for code in pack.region_by_code}
        self._above = {code: _ancestry(code) for code in pack.category_by_code}
        self._by_category = {code: self._covering(above) for code, above in self._above.items()}
        self._by_category[""] = self._covering(frozenset())

    def facts(self, *, category: str, kind: str, urgency: str, region: str | None, channel: str, text: str) -> Facts:
        """A message as the rules see it; `region` as `located` answers it."""
        return Facts(
            category=category,
            categories=self._above.get(category) or _ancestry(category),
            kind=kind,
            urgency=urgency,
            regions=self._around_of(region),
            channel=channel,
            text=text.casefold(),
            district=region[:6] if region and region[:6] in self._districts else None,
        )

    def facts_of(self, example: Example) -> Facts:
        """An example as the rules would see it, were its labels the classifier's answer."""
        return self.facts(
            category=example.category,
            kind=example.kind,
            urgency=example.urgency,
            region=self.located(None, example.region),
            channel=example.channel or "",
            text=f"{example.title}\n{example.text}",
        )

    def located(self, given: str | None, named: str | None) -> str | None:
        """Where a message is: the channel's word counts more than the text's, unless only the text knows the district."""
        place, spoken = self._known(given), self._known(named)
        return place if place and (place[:6] in self._districts or not spoken) else spoken or place

    def choose(self, facts: Facts) -> Choice | None:
        """The departments of the first rule that holds and has one; None when no rule does."""
        for when, route in self._by_category.get(facts.category, self._rules):
            if when.holds(facts) and (choice := self._follow(route, facts.district)):
                return choice
        return None

    def clock(self, facts: Facts) -> Clock:
        """The first that applies."""
        return next((clock for when, clock in self._clocks if when.holds(facts)), self._clocks[-1][1])

    def takes_cases(self, code: str) -> bool:
        """Whether cases may be given to this department: it exists and is not retired."""
        department = self._pack.department_by_code.get(code)
        return department is not None and not department.retired

    def _covering(self, categories: frozenset[str]) -> list[tuple[When, Route]]:
        return [rule for rule in self._rules if rule[0].covers(categories)]

    def _follow(self, route: Route, district: str | None) -> Choice | None:
        """The route's departments; None when the city has no such department (the next rule is asked)."""
        own = self._in_district(route.to, district)
        department = own or self._in_city(route.to)
        if department is None:
            return None
        co = (self._in_district(target, district) or self._in_city(target) for target in route.co)
        return Choice(route, department, _others(co, department), route.to.level == "district" and not own)

    def _in_district(self, target: Target, district: str | None) -> str | None:
        return self._desks.get((target.function or "", district)) if target.level == "district" and district else None

    def _in_city(self, target: Target) -> str | None:
        if target.department:
            return target.department if self.takes_cases(target.department) else None
        return self._desks.get((target.function or "", self._city.region))

    def _known(self, region: str | None) -> str | None:
        """The code as it is today, when the pack knows it, or the street or district of its first digits."""
        if not region or region in self._today:
            return self._today.get(region or "")
        around = next((region[:length] for length in (9, 6) if region[:length] in self._today), None)
        today = self._today.get(around or "")
        return region if around and today == around else today

    def _around_of(self, region: str | None) -> frozenset[str]:
        if not region:
            return frozenset()
        return self._around.get(region) or self._around[region[:6]] | {region, region[:9]}


def _ancestry(category: str) -> frozenset[str]:
    """`a.b.c` with `a.b` and `a`."""
    parts = category.split(".") if category else []
    return frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _others(departments: Iterable[str | None], responsible: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in departments if code and code != responsible))
