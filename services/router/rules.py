"""Who is responsible for a message, why, and until when: the pack's ordered rules, compiled once. Pure.

The first rule whose conditions all hold decides. Nothing is ever without a desk: what the model would not decide goes to
triage, unless a rule that asks for no category takes it; what no rule takes goes to the catch-all desk.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from services.router.model import Body, Decision, Routed, Triage
from shared import clock
from shared.events.messages import Classification, Message
from shared.pack.model import Conditions, Pack, Route, Target

_UNDECIDED = {
    "zh": "系统没有把握判断这件诉求归哪一类，请人工派单",
    "en": "The model is not sure what this is about: a person has to decide",
}
_CITY_INSTEAD = {
    "zh": "（区县不明或该区县没有这一部门，由市级承办）",
    "en": " (no district known, or none with this department: the city's)",
}
_CATCH_ALL = {"zh": "没有哪条规则适用，由兜底岗承办", "en": "No rule takes it: it goes to the catch-all desk"}
_TEST = {"zh": "测试密钥提交的消息，只到测试岗", "en": "Sent with a test key: it goes to the test desk only"}


class Facts(NamedTuple):
    """What rules and clocks ask about a message."""

    categories: frozenset[str]
    """Its category and everything above it; empty when the model abstained."""
    kind: str
    urgency: str
    regions: frozenset[str]
    """Where it is, and every region around that place."""
    channel: str
    text: str
    district: str | None


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


class Rule:
    """A route with its conditions compiled and its reasons written out."""

    def __init__(self, route: Route) -> None:
        self.when = When(route.when)
        self.to, self.co = route.to, route.co
        self.why: Body = {"rule": route.name, **route.why.model_dump()}
        self.why_city: Body = self.why | {
            lang: self.why[lang] and self.why[lang] + words for lang, words in _CITY_INSTEAD.items()
        }


class Rules:
    """A pack's rules, ready to decide thousands of messages a second."""

    def __init__(self, pack: Pack) -> None:
        self._pack, self._city = pack, pack.city
        self.pack_version = pack.city.version
        """Stands in every event: the codes it uses are this pack's."""
        self._rules = [Rule(route) for route in pack.routes]
        self._clocks = [(When(each.when), each) for each in pack.clocks]
        self._desks = {
            (each.function, self._city.region if each.level == "city" else each.region[:6]): each.code
            for each in reversed(pack.departments)  # of several, the first counts
            if not each.retired
        }
        self._districts = {region.code for region in pack.regions if region.level in ("district", "county")}
        self._around = {code: frozenset(self._regions_around(code)) for code in pack.region_by_code}
        self._above = {code: _ancestry(code) for code in pack.category_by_code}
        self._by_category = {code: self._covering(above) for code, above in self._above.items()}
        self._by_category[""] = self._covering(frozenset())
        self._catch_all: Body = {"rule": "catch-all", **_CATCH_ALL}
        self._test: Body = {"rule": "test", **_TEST}

    def route(self, message: Message, classification: Classification, now: datetime) -> Decision:
        """Where a message goes."""
        facts = self._facts(message, classification)
        if message.test:
            return Routed(self._city.test_desk, (), self._test, self._due(facts, message, now))
        for rule in self._candidates(classification):
            if rule.when.holds(facts) and (decision := self._follow(rule, facts, message, now)):
                return decision
        if not facts.categories:
            return Triage(classification.abstained or "uncertain", _UNDECIDED["en" if self._city.language == "en" else "zh"])
        return Routed(self._city.catch_all, (), self._catch_all, self._due(facts, message, now))

    def due(self, message: Message, classification: Classification, now: datetime) -> Body:
        """Until when a department has time for this message if it is given the case now."""
        return self._due(self._facts(message, classification), message, now)

    def fits(self, department: str, *, test: bool) -> bool:
        """Whether a case may be given to this department: test messages reach the test desk and no other."""
        return self.knows_desk(department) and (department == self._city.test_desk) == test

    def knows_desk(self, code: str) -> bool:
        """Whether cases may be given to this department: it exists and is not retired."""
        department = self._pack.department_by_code.get(code)
        return department is not None and not department.retired

    def _facts(self, message: Message, classification: Classification) -> Facts:
        place = self._known(message.place.region if message.place else None)
        named = self._known(classification.region)
        region = place if place and (place[:6] in self._districts or not named) else named or place
        return Facts(
            categories=self._categories(classification),
            kind=classification.kind,
            urgency=classification.urgency,
            regions=self._around_of(region),
            channel=message.channel,
            text=f"{message.title}\n{message.text}".casefold(),
            district=region[:6] if region and region[:6] in self._districts else None,
        )

    def _due(self, facts: Facts, message: Message, now: datetime) -> Body:
        """By the first clock that applies; calendar time."""
        found = next((each for when, each in self._clocks if when.holds(facts)), self._clocks[-1][1])
        start = _received(message, now) if found.starts == "received" else now
        return _due(found.code, found.accept_hours, found.resolve_days, start)

    def _categories(self, classification: Classification) -> frozenset[str]:
        category = _category(classification)
        return self._above.get(category) or _ancestry(category)

    def _candidates(self, classification: Classification) -> list[Rule]:
        """The rules that may take this category; all of them for one the pack does not know."""
        return self._by_category.get(_category(classification), self._rules)

    def _covering(self, categories: frozenset[str]) -> list[Rule]:
        return [rule for rule in self._rules if rule.when.covers(categories)]

    def _follow(self, rule: Rule, facts: Facts, message: Message, now: datetime) -> Routed | None:
        """The rule's department; None when the city has no such department (the next rule is asked)."""
        own = self._in_district(rule.to, facts.district)
        department = own or self._in_city(rule.to)
        if department is None:
            return None
        why = rule.why_city if rule.to.level == "district" and not own else rule.why
        co = (self._in_district(target, facts.district) or self._in_city(target) for target in rule.co)
        return Routed(department, _others(co, department), why, self._due(facts, message, now))

    def _in_district(self, target: Target, district: str | None) -> str | None:
        return self._desks.get((target.function or "", district)) if target.level == "district" and district else None

    def _in_city(self, target: Target) -> str | None:
        if target.department:
            return target.department if self.knows_desk(target.department) else None
        return self._desks.get((target.function or "", self._city.region))

    def _known(self, region: str | None) -> str | None:
        """The code, when the pack knows it or the region of its first six digits."""
        return region if region and region[:6] in self._around else None

    def _around_of(self, region: str | None) -> frozenset[str]:
        if not region:
            return frozenset()
        return self._around.get(region) or self._around[region[:6]] | {region, region[:9]}

    def _regions_around(self, code: str) -> Iterable[str]:
        region = self._pack.region_by_code.get(code)
        while region:
            yield region.code
            region = self._pack.region_by_code.get(region.parent or "")


def _category(classification: Classification) -> str:
    """The category the model decided on; empty when it abstained."""
    return "" if classification.abstained else classification.category or ""


def _ancestry(category: str) -> frozenset[str]:
    """`a.b.c` with `a.b` and `a`."""
    parts = category.split(".") if category else []
    return frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _others(departments: Iterable[str | None], responsible: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in departments if code and code != responsible))


def _received(message: Message, now: datetime) -> datetime:
    try:
        received = datetime.fromisoformat(message.received_at)
    except ValueError:
        return now
    return received if received.tzinfo else now


@lru_cache(maxsize=64)
def _due(code: str, accept_hours: float, resolve_days: float, start: datetime) -> Body:
    """Cached, since a whole batch starts at one moment; nobody changes what it answers."""
    return {
        "clock": code,
        "started_at": clock.timestamp(start),
        "accept_by": clock.timestamp(start + timedelta(hours=accept_hours)),
        "resolve_by": clock.timestamp(start + timedelta(days=resolve_days)),
    }
