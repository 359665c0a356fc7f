"""The rules of DESIGN §4 that no other suite tells: each test is red when its rule is taken out (`python -m tests.faults.rules`)."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from services.classifier.model import Classification
from services.classifier.service import ClassifyBatch
from services.intake import store
from services.intake.worker import Reconciler
from services.router.account import feed_topics
from shared import clock
from shared.errors import BadRecord, Transient
from shared.events import catalog
from shared.events.catalog import CASES, CLASSIFIED, GROUPS, MESSAGES
from shared.events.envelope import Event, from_record, to_record
from shared.log import open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.loop import Incoming, Loop
from shared.log.port import Lag, Partition, Received, Record, TopicSpec
from shared.pack.load import load_pack
from shared.store import open_store
from shared.testing.wait import wait_until
from tests.support.city import PACK, City, Home, running_city
from tests.support.desk import classified, make_topics, message, running_router, settings_in


def _home(folder: Path) -> Home:
    return Home(folder, f"sqlite:////{folder}/log.db", f"sqlite:////{folder}/", folder)


class Recorder:
    """A log that keeps what is published and is as far behind as it is told."""

    def __init__(self, lags: dict[Partition, Lag] | None = None) -> None:
        self.records: list[Record] = []
        self._lags = lags or {}

    async def publish(self, records: Sequence[Record]) -> list[Any]:
        self.records += records
        return []

    async def lag(self, group: str, topics: Sequence[str]) -> dict[Partition, Lag]:
        return {partition: lag for partition, lag in self._lags.items() if partition.topic in topics}


class Certain:
    """A model that always says the same."""

    def classify(self, texts: Sequence[Any]) -> list[Classification]:
        one = Classification("housing.property", 0.9, (), (), "complaint", 0.9, "normal", None, None, (), "1", None)
        return [one for _ in texts]


async def test_the_same_message_classified_twice_is_the_same_event() -> None:
    log: Any = Recorder()
    model: Any = Certain()
    event = Event("e1", "yijian.message.received.v1", "/s", "m1", clock.timestamp(), message())
    item = Incoming(Received(Partition(MESSAGES, 0), 0, "m1", b"", {}, 0.0), event, catalog.read(event))
    for _ in range(2):
        await ClassifyBatch(model, log).handle([item])
    assert len({record.headers["ce_id"] for record in log.records}) == 1


@pytest.mark.parametrize("behind", [MESSAGES, CLASSIFIED, CASES, None])
async def test_a_backlog_is_not_published_twice(tmp_path: Path, behind: str | None) -> None:
    """An hour's backlog means that the message is merely waiting in it, or that its case's events are."""
    lags = {Partition(topic, 0): Lag(1, 1, None) for topic in (MESSAGES, CLASSIFIED, CASES)}
    if behind:
        lags[Partition(behind, 0)] = Lag(0, 1, clock.now().timestamp() - 3600)
    log: Any = Recorder(lags)
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        documents = city.apps["intake"].state.intake.store

        async def published() -> bool:
            return bool((await documents.get(store.COLLECTION, [posted["id"]]))[posted["id"]].published)

        await wait_until(published)
        known = (await documents.get(store.COLLECTION, [posted["id"]]))[posted["id"]]
        known.body["check_at"] = 0
        await documents.replace(store.COLLECTION, [known])
        await Reconciler(documents, log, after=1).run_once()
    assert len(log.records) == (0 if behind else 1)


def _about(key: str, number: int) -> Record:
    event = classified(message(id=key))
    return to_record(Event(f"{key}/{number}", event.type, event.source, key, event.time, event.data), CLASSIFIED)


class Desk:
    """A loop on a real log and store, with a handler that fails as it is told."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.log, self.store = open_log(f"sqlite:////{folder}/log.db"), open_store(f"sqlite:////{folder}/", "desk")
        self.handled: list[str] = []
        self.fails: list[Exception] = []
        self.bad = ""
        stack.push_async_callback(self.store.close)
        stack.push_async_callback(self.log.close)

    async def handle(self, batch: Sequence[Incoming]) -> None:
        if self.fails:
            raise self.fails.pop()
        if any(item.event.id == self.bad for item in batch):
            raise BadRecord("as it was told")
        self.handled += [item.event.id for item in batch]

    async def work(self, records: Sequence[Record], count: int) -> None:
        """Handle these, until so many have been."""
        await self.store.prepare([LETTERS, PARKED])
        await make_topics(self.log)
        await self.log.publish(records)
        letters = DeadLetters(self.store, self.log, service="desk", group="router")
        stop = asyncio.Event()
        task = asyncio.create_task(Loop(self.log, "router", GROUPS["router"], self.handle, letters).run(stop, lambda: None))
        try:
            await wait_until(lambda: len(self.handled) >= count, timeout=20, what=f"{count} records handled")
        finally:
            stop.set()
            await task


async def test_what_follows_a_dead_letter_waits_and_others_flow(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        desk = Desk(tmp_path, stack)
        desk.bad = "a/1"
        await desk.work([_about("a", 1), _about("a", 2), *(_about(f"b{number}", 1) for number in range(20))], 20)
        await wait_until(lambda: desk.store.count(PARKED, "by_key", {}), what="a parked record")
        assert "a/2" not in desk.handled
        assert await desk.store.count(LETTERS, "by_status", {}) == 1


async def test_a_dependency_in_trouble_makes_no_dead_letter(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        desk = Desk(tmp_path, stack)
        desk.fails = [Transient("away") for _ in range(5)]
        await desk.work([_about("a", 1)], 1)
        assert await desk.store.count(LETTERS, "by_status", {}) == 0


async def test_a_lease_outlives_a_step_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(f"sqlite:////{tmp_path}/log.db")
    await log.apply_topics([TopicSpec("t", partitions=1)])
    await log.publish([Record("t", "k", b"1")])
    async with log.subscribe("g", ["t"], session_timeout=60) as holder, log.subscribe("g", ["t"], session_timeout=60) as other:
        (record,) = await holder.poll(10, 5)
        monkeypatch.setattr(clock, "_TOLD", "7200")
        assert not await other.poll(10, 1.5)
        await holder.commit({record.partition: record.offset + 1})
    await log.close()


async def test_an_offset_is_never_given_out_twice(tmp_path: Path) -> None:
    """Also when everything it counted is gone."""
    log = open_log(f"sqlite:////{tmp_path}/log.db")
    await log.apply_topics([TopicSpec("t", partitions=1, retention_hours=0)])
    await log.publish([Record("t", "k", b"1"), Record("t", "k", b"2")])
    assert await log.trim({}) == 2
    (position,) = await log.publish([Record("t", "k", b"3")])
    await log.close()
    assert position.offset == 2


def test_a_departments_topic_has_one_order() -> None:
    specs = {spec.name: spec.partitions for spec in catalog.topics(["city-water"])}
    assert specs[catalog.department_topic("city-water")] == 1


async def test_what_is_in_flight_is_counted(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        await city.post("路灯不亮")
        counted = await city.apps["intake"].state.intake.accounts.count()
        assert (sum(counted["accepted"].values()), counted["in_flight"]) == (1, 1)


async def _again(city: City, body: dict[str, Any], key: str | None) -> tuple[int, str]:
    headers = city.key("all-channels") | ({"Idempotency-Key": key} if key else {})
    answer = await city.intake.post("/v1/messages", json={"channel": "hotline", **body}, headers=headers)
    return answer.status_code, answer.json().get("id", answer.json().get("type", ""))


async def test_either_key_alone_finds_the_submission(tmp_path: Path) -> None:
    body = {"text": "路灯不亮", "external_id": "x1"}
    async with running_city(_home(tmp_path), ["intake"]) as city:
        first = await _again(city, body, "k1")
        assert await _again(city, body, None) == first
        assert await _again(city, body, "k2") == first
        other = {"text": "路灯不亮", "external_id": "x2"}
        assert await _again(city, other, "k1") == (422, "urn:yijian:problem:idempotency-key-reused")


async def test_a_test_and_a_real_message_of_the_same_ids_are_two(small_city: City) -> None:
    key = {"Idempotency-Key": '"one"'}
    answers = []
    for name, text in (("test-channel", "演练：路灯不亮"), ("all-channels", "路灯不亮"), ("test-channel", "演练：路灯不亮")):
        body = {"text": text, "channel": "hotline", "external_id": "one"}
        answers.append(await small_city.intake.post("/v1/messages", json=body, headers=small_city.key(name) | key))
    assert [one.status_code for one in answers] == [202] * 3
    tried, real, again = (one.json()["id"] for one in answers)
    assert tried == again != real


async def test_every_event_of_a_message_names_the_pack(tmp_path: Path) -> None:
    version = load_pack(PACK).city.version
    async with running_router(settings_in(tmp_path)) as bench:
        await bench.opened(message())
        assert {event.pack_version for event in await bench.events(CASES, 2)} == {version}


def test_a_retired_department_keeps_its_feed() -> None:
    pack = load_pack(PACK)
    retired = pack.model_copy(update={"departments": tuple(one.model_copy(update={"retired": True}) for one in pack.departments)})
    assert feed_topics(retired) == feed_topics(pack)


def test_an_event_survives_its_record() -> None:
    event = Event("1", "t", "/s", "k", clock.timestamp(), {"a": 1}, sequence=3, pack_version="7")
    record = to_record(event, CASES)
    assert from_record(Received(Partition(CASES, 0), 0, record.key, record.value, record.headers, 0.0)) == event
