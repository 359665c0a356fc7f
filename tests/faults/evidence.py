"""What the system shows to the outside once it is quiet: REST, and the topics read as any consumer reads them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared import ids
from shared.errors import Transient
from shared.events.catalog import CASES, CLASSIFIED, DEAD_LETTERS, MESSAGES, department_topic
from shared.events.envelope import from_record
from shared.log import open_log
from shared.log.port import Log
from shared.testing.wait import wait_until
from tests.faults.fleet import Fleet

_PAGE = 200
_STATUSES = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    at: float
    id: str
    type: str
    subject: str
    sequence: int
    message_id: str


@dataclass(slots=True)
class Evidence:
    """All of it."""

    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Message → how it stands, as intake answers."""
    cases: list[dict[str, Any]] = field(default_factory=list)
    """Every line of the operators' list."""
    topics: dict[str, list[Told]] = field(default_factory=dict)
    feeds: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Department → (case, sequence) of each entry of its change feed."""
    histories: dict[str, list[str]] = field(default_factory=dict)
    """Message → what its tracking code tells happened, for a sample."""
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)


async def quiet(fleet: Fleet, timeout: float = 120) -> None:
    """Wait until nothing is on its way any more: no outbox, no lag, nothing in flight."""
    seen: dict[str, Any] = {"why": "", "accounts": {}}

    async def is_quiet() -> bool:
        """At rest, and the same at two looks: an account may have been counted a moment ago, each service at its own time."""
        try:
            accounts = await _accounts(fleet)
        except (httpx.HTTPError, OSError, ValueError) as error:
            seen.update(why=f"no account: {error!r}", accounts={})
            return False
        moving = [f"{name} {what}" for name, account in accounts.items() for what in _moving(account)]
        before, seen["accounts"], seen["why"] = seen["accounts"], accounts if not moving else {}, ", ".join(moving)
        if moving or not before:
            return False
        if any(accounts[name]["at"] == before.get(name, {}).get("at") for name in accounts):
            seen["accounts"] = before  # not counted anew yet
            return False
        return _figures(accounts) == _figures(before)

    try:
        await wait_until(is_quiet, timeout=timeout)
    except AssertionError:
        raise AssertionError(f"the system did not come to rest within {timeout:g} s: {seen['why']}") from None


def _figures(accounts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in account.items() if key != "at"} for name, account in accounts.items()}


def _moving(account: dict[str, Any]) -> list[str]:
    lag = account["lag"]
    lags = lag if isinstance(lag, dict) else {"log": lag}
    moving = [f"lag of {group}: {behind}" for group, behind in lags.items() if behind != 0]
    outbox = account.get("outbox") or {"trouble": None, "oldest": 0}
    if outbox["trouble"] or outbox["oldest"]:
        moving.append(f"outbox {outbox}")
    if account.get("in_flight"):
        moving.append(f"in flight: {account['in_flight']}")
    return moving


async def _accounts(fleet: Fleet) -> dict[str, dict[str, Any]]:
    running = [name for name in fleet.names if fleet.pid(name)]
    found = await asyncio.gather(*(fleet.get(name, "/v1/account") for name in running))
    return dict(zip(running, found, strict=True))


async def gather(fleet: Fleet, message_ids: Sequence[str], sample: Sequence[str]) -> Evidence:
    """Everything that can be asked. `sample` are the messages whose history is read."""
    evidence = Evidence(accounts=await _accounts(fleet))
    intake, router = fleet.copies("intake")[0], fleet.copies("router")[0]
    for start in range(0, len(message_ids), _STATUSES):
        body = {"ids": list(message_ids[start : start + _STATUSES])}
        answer = await fleet.ask("POST", intake, "/v1/messages:status", json=body)
        evidence.statuses |= answer.json()["statuses"]
    for message_id in sample:
        shown = await fleet.get(intake, f"/v1/messages/{message_id}")
        evidence.histories[message_id] = [entry["what"] for entry in shown.get("history", [])]
    evidence.cases = await _cases(fleet, router)
    evidence.topics = await read_topics(fleet)
    concerned = [topic.removeprefix(department_topic("")) for topic, told in evidence.topics.items() if told]
    for department in set(concerned) & set(fleet.departments):
        evidence.feeds[department] = await _feed(fleet, router, department)
    return evidence


async def _cases(fleet: Fleet, router: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": _PAGE}
    while True:
        page = await fleet.get(router, "/v1/cases", **query)
        found += page["cases"]
        if not page["cursor"]:
            return found
        query["cursor"] = page["cursor"]


async def _feed(fleet: Fleet, router: str, department: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    query: dict[str, Any] = {"limit": _PAGE}
    while True:
        page = await fleet.get(router, f"/v1/departments/{department}/events", **query)
        found += [(item["event"]["subject"], item["event"]["sequence"]) for item in page["items"]]
        if len(page["items"]) < _PAGE:
            return found
        query["after"] = page["cursor"]


async def read_topics(fleet: Fleet) -> dict[str, list[Told]]:
    """Every topic from its beginning, as a new group gets it."""
    topics = [MESSAGES, CLASSIFIED, CASES, DEAD_LETTERS, *map(department_topic, fleet.departments)]
    log = open_log(fleet.home.log)
    try:
        return await _read(log, topics)
    finally:
        await log.close()


async def _read(log: Log, topics: Sequence[str]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {topic: [] for topic in topics}
    group = f"audit-{ids.new_id()}"
    async with log.subscribe(group, topics) as consumer:

        async def at_the_end() -> bool:
            try:
                records = await consumer.poll(2_000, 0.5)
                await consumer.commit({record.partition: record.offset + 1 for record in records})
                for record in records:
                    event = from_record(record)
                    about = event.data.get("message_id") or event.data.get("message", event.data).get("id") or event.subject
                    found[record.partition.topic].append(
                        Told(*record.partition, record.offset, record.published_at, event.id, event.type, event.subject,
                             event.sequence or 0, about)
                    )  # fmt: skip
                return not records and all(lag.committed >= lag.end for lag in (await log.lag(group, topics)).values())
            except Transient:
                return False

        await wait_until(at_the_end, timeout=120, what="the end of every topic")
    return found
