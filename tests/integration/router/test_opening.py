"""A classified message becomes one case, told once to everybody whom it concerns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.router import store
from services.router.rules import Rules
from services.router.store import Numbers
from services.router.worker import Opener
from shared import clock, ids
from shared.events import cases, catalog
from shared.events.catalog import CASES, CLASSIFIED, department_topic
from shared.events.envelope import Event, to_record
from shared.log.loop import Incoming
from shared.log.port import Partition, Received, Record
from shared.pack.load import load_pack
from shared.store import Document, open_store
from shared.store.outbox import EVENTS
from shared.testing.wait import wait_until
from tests.support.desk import PACK, Bench, classified, make_topics, message, running_router, settings_in

LUZHOU = "luzhou-housing"


async def test_a_message_becomes_a_case_that_everybody_hears_of(bench: Bench) -> None:
    about = message()
    case = await bench.opened(about)
    everybody, department = await bench.events(CASES, 2), await bench.events(department_topic(LUZHOU), 1)
    (fed,) = await bench.feed(LUZHOU, 1)

    assert (case["state"], case["department"], case["message_id"]) == ("routed", LUZHOU, about["id"])
    assert [event.type for event in everybody] == [cases.OPENED, cases.ROUTED]
    assert [event.sequence for event in everybody] == [1, 2]
    assert [(event.id, event.subject) for event in department] == [(everybody[1].id, case["id"])]
    assert fed["event"]["data"] == department[0].data
    assert [catalog.read(event) for event in everybody]
    assert [event["type"] for event in case["history"]] == [cases.OPENED, cases.ROUTED]


@pytest.mark.parametrize(
    ("posted", "spoken", "department"),
    [
        ("990102008", None, "yunting-housing"),
        ("990101", "990105", LUZHOU),
        ("990101", None, "city-housing"),
    ],
    ids=["a street merged into another", "a district split up: the text tells which part", "a district split up, and no more"],
)
async def test_a_region_that_is_no_more_means_what_has_become_of_it(
    bench: Bench, posted: str, spoken: str | None, department: str
) -> None:
    about = message(place={"region": posted}, text="小区物业不打扫卫生", flags=("region_retired",))
    case = await bench.opened(about, region=spoken)
    assert (case["state"], case["department"]) == ("routed", department)
    assert (case["message"]["place"]["region"], case["message"]["flags"]) == (posted, ["region_retired"])


async def test_a_repeat_opens_no_second_case(bench: Bench) -> None:
    about = message()
    await bench.publish(classified(about), classified(about))
    again = classified(about, category="government.voice.listen")._replace(id=ids.new_id())
    await bench.publish(again)
    after = await bench.opened(message())
    await bench.handled()
    case = await bench.case(about)

    assert (case["department"], len(case["history"])) == (LUZHOU, 2)
    listed = (await bench.get("/cases")).json()["cases"]
    assert {each["id"] for each in listed} == {after["id"], case["id"]}
    assert len(listed) == 2


async def test_what_the_model_would_not_decide_waits_in_triage(bench: Bench) -> None:
    first = await bench.opened(message(text="希望多听听老人的想法"), category=None, abstained="uncertain")
    second = await bench.opened(message(), category=None, abstained="too_short")
    waiting = (await bench.get("/triage")).json()["cases"]

    assert [each["number"] for each in waiting] == [first["number"], second["number"]]
    assert [each["triage"]["reason"] for each in waiting] == ["uncertain", "too_short"]
    assert first["history"][1]["type"] == cases.TRIAGED


async def test_a_later_revision_reaches_the_department_once(bench: Bench) -> None:
    about = message()
    await bench.opened(about)
    later = about | {"revision": 2, "text": "桂花苑小区物业不打扫卫生，还有噪音"}
    await bench.publish(classified(later), classified(later), classified(about))
    await bench.handled()
    case = await bench.case(about)

    assert case["message"]["text"] == later["text"]
    assert [event["type"] for event in case["history"]] == [cases.OPENED, cases.ROUTED, cases.AMENDED]
    told = await bench.feed(LUZHOU, 2)
    assert [each["event"]["type"] for each in told] == [cases.ROUTED, cases.AMENDED]


async def test_who_sends_an_amendment_again_hears_of_it_again(bench: Bench) -> None:
    """Its event may have been lost: the same is told once more, with the same number."""
    about = message()
    await bench.opened(about)
    later = about | {"revision": 2}
    await bench.publish(classified(later))
    (*_, amended) = await bench.events(CASES, 3)
    await bench.publish(classified(later))
    (*_, again) = await bench.events(CASES, 4)
    assert (again.type, again.id, again.sequence) == (cases.AMENDED, amended.id, 3)
    assert again.data["revision"] == 2
    assert len(await bench.feed(LUZHOU, 2)) == 2


async def test_revisions_of_one_batch_end_at_the_last(bench: Bench) -> None:
    about = message()
    await bench.publish(*(classified(about | {"revision": revision, "text": f"第{revision}次"}) for revision in (2, 1, 4, 3)))

    async def amended() -> bool:
        return bool((await bench.case(about))["message"]["revision"] == 4)

    await wait_until(amended)
    assert [event["sequence"] for event in (await bench.case(about))["history"]] == [1, 2, 3]


async def test_junk_becomes_a_dead_letter_and_hinders_nobody(bench: Bench) -> None:
    await bench.log.publish([Record(CLASSIFIED, "junk", b"not JSON", {}), Record(department_topic(LUZHOU), "junk", b"\xff", {})])
    await bench.opened(message())
    await bench.feed(LUZHOU, 1)

    async def counted() -> bool:
        return bool((await bench.client.get("/v1/account")).json()["dead"] == 2)

    await wait_until(counted)


async def test_an_event_of_a_later_version_stands_in_the_feed_where_it_stands_in_the_topic(bench: Bench) -> None:
    future = Event(ids.new_id(), "yijian.case.rated.v9", "/services/router", "case", clock.timestamp(), {"stars": 5}, 1)
    await bench.log.publish([to_record(future, department_topic(LUZHOU))])
    await bench.opened(message())
    rated, routed = await bench.feed(LUZHOU, 2)
    assert (rated["event"]["type"], rated["event"]["data"]) == (future.type, {"stars": 5})
    assert routed["event"]["type"] == cases.ROUTED


async def test_numbers_that_are_taken_are_passed_over(bench: Bench) -> None:
    """A counter restored from an old copy costs numbers, never a case."""
    before = await bench.opened(message())
    documents = bench.app.state.router.lists._store
    (counter_id,) = [f"numbers/{before['number'][-15:-7]}"]
    counter = (await documents.get(store.COUNTERS, [counter_id]))[counter_id]
    counter.body["next"] = 1
    await documents.replace(store.COUNTERS, [counter])
    async with running_router(bench.settings) as second:
        abouts = [message() for _ in range(20)]
        await second.publish(*(classified(about) for about in abouts))
        numbers = {(await second.case(about))["number"] for about in abouts}
    assert len(numbers | {before["number"]}) == 21


class Silent:
    """A relay that dies before it publishes."""

    def offer(self, documents: Sequence[Document]) -> None:
        pass


async def test_a_crash_between_insert_and_publish_loses_nothing(tmp_path: Path) -> None:
    settings, about = settings_in(tmp_path), message()
    event, pack = classified(about), load_pack(PACK)
    documents = open_store(settings.store_url, "router")
    await documents.prepare([store.COLLECTION, store.COUNTERS, EVENTS])
    nobody: Any = Silent()
    opener = Opener(documents, nobody, nobody, Rules(pack), Numbers(documents, pack.city))
    received = Received(Partition(CLASSIFIED, 0), 0, about["id"], b"", {}, 0.0)
    await opener.handle([Incoming(received, event, catalog.read(event))])
    await documents.close()

    async with running_router(settings) as bench:
        await bench.publish(event)  # it was not committed either
        (fed,) = await bench.feed(LUZHOU, 1)
        everybody = await bench.events(CASES, 2)
        assert fed["event"]["subject"] == ids.case_id(about["id"])
        assert [each.type for each in everybody] == [cases.OPENED, cases.ROUTED]


async def test_two_routers_share_the_work(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with running_router(settings) as one, running_router(settings) as other:
        abouts = [message() for _ in range(60)]
        await one.publish(*(classified(about) for about in abouts))
        found = [await other.case(about) for about in abouts]
        told = await other.feed(LUZHOU, 60, limit=200)
    assert len({case["number"] for case in found}) == 60
    assert len({each["event"]["subject"] for each in told}) == 60


async def test_the_account_counts_real_and_test_messages_apart(bench: Bench) -> None:
    for fields in ({}, {"test": True}):
        await bench.opened(message(**fields))
    await bench.opened(message(), category=None, abstained="uncertain")

    async def counted() -> Any:
        found = (await bench.client.get("/v1/account")).json()
        return found if sum(found["opened"].values()) == 3 and not any(found["lag"].values()) else None

    account = await wait_until(counted)
    assert account["opened"] == {"real": 2, "test": 1}
    assert account["dispositions"]["real"]["triage"] == account["in_triage"] == 1
    assert account["dispositions"]["test"]["department"] == 1


async def test_the_audit_of_a_minute(bench: Bench) -> None:
    abouts = [message(received_at="2026-11-20T01:12:30.000Z") for _ in range(3)]
    for about in abouts:
        await bench.opened(about)
    first, second, third = (UUID(about["id"]).int for about in abouts)
    found = (await bench.get("/audit/minutes", minute="2026-11-20T01:12")).json()
    assert found == {"minute": "2026-11-20T01:12", "count": 3, "xor": f"{first ^ second ^ third:032x}"}


async def test_a_turn_that_nobody_takes_up_is_told_again(tmp_path: Path) -> None:
    async with running_router(settings_in(tmp_path, tell_again_after=0.001)) as bench:
        case = await bench.opened(message())
        first, again = (await bench.events(department_topic(LUZHOU), 2))[:2]
        assert (first.id, first.sequence, first.data) == (again.id, again.sequence, again.data)
        assert len((await bench.case({"id": case["message_id"]}))["history"]) == 2


@pytest.mark.parametrize("away", ["log", "store"])
async def test_it_starts_while_a_dependency_is_away_and_recovers(tmp_path: Path, away: str) -> None:
    name = {"log": "log.db", "store": "router.db"}[away]
    (tmp_path / name).mkdir()
    async with running_router(settings_in(tmp_path)) as bench:
        ready = await bench.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == {"log": (200, "degraded"), "store": (503, "failing")}[away]
        assert (await bench.client.get("/health/live")).status_code == 200
        (tmp_path / name).rmdir()

        async def recovered() -> bool:
            return bool((await bench.client.get("/health/ready")).json()["status"] == "ok")

        await wait_until(recovered, timeout=60)
        await make_topics(bench.log)
        assert (await bench.opened(message()))["department"] == LUZHOU
