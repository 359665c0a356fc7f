"""Who is responsible for a message, why, and until when: the pack's rules, put in words. Pure.

`shared.pack.routing` finds the department. Nothing is ever without a desk: what the model would not decide goes to
triage, unless a rule that asks for no category takes it; what no rule takes goes to the catch-all desk.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.router.model import Body, Decision, Routed, Triage
from shared import clock
from shared.events.messages import Classification, Message
from shared.pack.deadlines import accept_by, resolve_by
from shared.pack.model import Pack
from shared.pack.routes import Clock, Route
from shared.pack.routing import Choice, Facts, Routing

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


class Rules:
    """A pack's rules, ready to decide thousands of messages a second."""

    def __init__(self, pack: Pack) -> None:
        self._city = pack.city
        self.pack_version = pack.city.version
        """Stands in every event: the codes it uses are this pack's."""
        self._routing = Routing(pack)
        self._why = {route.name: _reasons(route) for route in pack.routes}
        self._catch_all: Body = {"rule": "catch-all", **_CATCH_ALL}
        self._test: Body = {"rule": "test", **_TEST}
        self._clocks = {each.code: _deadlines(pack, each) for each in pack.clocks}
        self._patient = {each.code: _from_acceptance(pack, each) for each in pack.clocks if each.starts == "accepted"}

    def route(self, message: Message, classification: Classification, now: datetime) -> Decision:
        """Where a message goes."""
        facts = self._facts(message, classification)
        if message.test:
            return Routed(self._city.test_desk, (), self._test, self._due(facts, message, now))
        if choice := self._routing.choose(facts):
            return Routed(choice.department, choice.co, self._because(choice), self._due(facts, message, now))
        if not facts.category:
            return Triage(classification.abstained or "uncertain", _UNDECIDED["en" if self._city.language == "en" else "zh"])
        return Routed(self._city.catch_all, (), self._catch_all, self._due(facts, message, now))

    def due(self, message: Message, classification: Classification, now: datetime) -> Body:
        """Until when a department has time for this message if it is given the case now."""
        return self._due(self._facts(message, classification), message, now)

    def due_once_accepted(self, due: Body, now: str) -> Body:
        """Until when a department has time that accepts now. A clock that starts with it starts now, and no later than the
        moment by which it had to accept: nobody gains time by being late."""
        start = self._patient.get(due["clock"])
        return due | start(min(datetime.fromisoformat(now), datetime.fromisoformat(due["accept_by"]))) if start else due

    def fits(self, department: str, *, test: bool) -> bool:
        """Whether a case may be given to this department: test messages reach the test desk and no other."""
        return self.knows_desk(department) and (department == self._city.test_desk) == test

    def knows_desk(self, code: str) -> bool:
        """Whether cases may be given to this department: it exists and is not retired."""
        return self._routing.takes_cases(code)

    def _facts(self, message: Message, classification: Classification) -> Facts:
        return self._routing.facts(
            category="" if classification.abstained else classification.category or "",
            kind=classification.kind,
            urgency=classification.urgency,
            region=self._routing.located(message.place.region if message.place else None, classification.region),
            channel=message.channel,
            text=f"{message.title}\n{message.text}",
        )

    def _because(self, choice: Choice) -> Body:
        return self._why[choice.route.name][choice.city_instead]

    def _due(self, facts: Facts, message: Message, now: datetime) -> Body:
        """By the first clock that applies."""
        found = self._routing.clock(facts)
        return self._clocks[found.code](_received(message, now) if found.starts == "received" else now)


def _reasons(route: Route) -> tuple[Body, Body]:
    """Why, when the rule's own department takes it, and when the city does instead."""
    why: Body = {"rule": route.name, **route.why.model_dump()}
    return why, why | {lang: why[lang] and why[lang] + words for lang, words in _CITY_INSTEAD.items()}


def _received(message: Message, now: datetime) -> datetime:
    try:
        received = datetime.fromisoformat(message.received_at)
    except ValueError:
        return now
    return received if received.tzinfo else now


def _deadlines(pack: Pack, found: Clock) -> Callable[[datetime], Body]:
    """What a clock says of a start. Remembered, since a whole batch starts at one moment; nobody changes what it answers."""
    zone = ZoneInfo(pack.city.timezone)

    @lru_cache(maxsize=64)
    def due(start: datetime) -> Body:
        accepted = accept_by(found, start)
        # Nobody has accepted yet: the latest moment at which somebody has to.
        begin = accepted if found.starts == "accepted" else start
        return {
            "clock": found.code,
            "started_at": clock.timestamp(start),
            "accept_by": clock.timestamp(accepted),
            "resolve_by": clock.timestamp(resolve_by(found, pack.calendar, zone, begin)),
        }

    return due


def _from_acceptance(pack: Pack, found: Clock) -> Callable[[datetime], Body]:
    """What an acceptance changes of what a clock said."""
    zone = ZoneInfo(pack.city.timezone)
    return lambda start: {
        "started_at": clock.timestamp(start),
        "resolve_by": clock.timestamp(resolve_by(found, pack.calendar, zone, start)),
    }
