"""What intake promises when something around it fails."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from services.intake import store
from services.intake.links import LINKS
from services.intake.worker import Reconciler
from shared import clock, ids
from shared.events import cases, messages
from shared.events.catalog import CASES, DEAD_LETTERS, MESSAGES
from shared.events.envelope import Event, to_record
from shared.log import Log, Received, open_log
from shared.store import Document, open_store
from shared.testing.wait import wait_until
from tests.support.city import City, Home, running_city


def _home(folder: Path, log: str = "log.db", documents: str = "") -> Home:
    return Home(folder, f"sqlite:////{folder}/{log}", f"sqlite:////{folder}/{documents}", folder)


async def _records(log: Log, topic: str, count: int) -> list[Received]:
    """At least this many records of the topic, read by a group of its own."""
    found: list[Received] = []
    async with log.subscribe(ids.new_id(), [topic]) as consumer:

        async def enough() -> bool:
            found.extend(await consumer.poll(500, 0.2))
            return len(found) >= count

        await wait_until(enough, timeout=20)
    return found


async def test_messages_are_taken_in_while_the_log_is_away_and_published_later(tmp_path: Path) -> None:
    (tmp_path / "away").write_text("a file where the log's folder should be")
    async with running_city(_home(tmp_path, "away/log.db"), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        ready = await city.intake.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["checks"]["store"] == "ok"

        (tmp_path / "away").unlink()
        log = open_log(f"sqlite:////{tmp_path}/away/log.db")
        (record,) = await _records(log, MESSAGES, 1)
        await log.close()
        assert record.key == posted["id"]

        async def is_ready() -> bool:
            return bool((await city.intake.get("/health/ready")).json()["status"] == "ok")

        await wait_until(is_ready, timeout=20)


async def test_nothing_is_answered_202_while_the_store_is_away(tmp_path: Path) -> None:
    (tmp_path / "away").write_text("a file where the store's folder should be")
    async with running_city(_home(tmp_path, documents="away/"), ["intake"]) as city:
        answer = await city.intake.post(
            "/v1/messages", json={"text": "路灯不亮", "channel": "hotline"}, headers=city.key("all-channels")
        )
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:yijian:problem:store-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert (await city.intake.get("/health/ready")).status_code == 503

        (tmp_path / "away").unlink()

        async def is_ready() -> bool:
            return (await city.intake.get("/health/ready")).status_code == 200

        await wait_until(is_ready, timeout=20)
        await city.post("路灯不亮")


async def test_a_submission_sent_by_many_at_once_is_one_message(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await asyncio.gather(*(city.post("路灯不亮", external_id="same") for _ in range(20)))
        assert len({one["id"] for one in posted}) == 1
        assert await city.apps["intake"].state.intake.store.count(store.COLLECTION, "by_minute", {}) == 1


async def test_a_batch_repeated_after_a_lost_answer_adds_nothing(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        body = [{"text": f"第{number}盏路灯不亮", "channel": "hotline"} for number in range(5)]
        headers = city.key("all-channels") | {"Idempotency-Key": '"batch-1"'}
        first = (await city.intake.post("/v1/messages:batch", json=body, headers=headers)).json()
        again = (await city.intake.post("/v1/messages:batch", json=body, headers=headers)).json()
        assert (first["accepted"], again["accepted"], again["duplicates"]) == (5, 0, 5)
        assert [one["id"] for one in again["results"]] == [one["id"] for one in first["results"]]


async def test_a_message_that_nobody_was_heard_of_is_published_again_and_counted_missing_at_last(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        state = city.apps["intake"].state.intake
        log = open_log(city.home.log)

        async def published() -> Document | None:
            document: Document = (await state.store.get(store.COLLECTION, [posted["id"]]))[posted["id"]]
            return document if document.published == 1 else None

        await wait_until(published, timeout=20)
        reconciler = Reconciler(state.store, log, after=0.0)
        for _ in range(5):
            await _make_due(state, posted["id"])
            await reconciler.run_once()

        records = await _records(log, MESSAGES, 6)
        await log.close()
        assert {(record.key, record.headers["ce_id"]) for record in records} == {(posted["id"], records[0].headers["ce_id"])}
        assert len(records) == 6
        assert await state.store.count(store.COLLECTION, "awaiting", {"awaiting": store.MISSING}) == 1


async def test_an_amendment_that_nobody_was_heard_of_is_published_again(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮", external_id="1")
        state = city.apps["intake"].state.intake
        log = open_log(city.home.log)
        await log.publish([to_record(_routed(posted["id"], 2, department="city-water", revision=1), CASES)])
        await city.settled(posted, status="department")
        await city.post("路灯还是不亮", external_id="1", revision=2)

        async def standing(sequence: int, awaiting: int) -> bool:
            document: Document = (await state.store.get(store.COLLECTION, [posted["id"]]))[posted["id"]]
            return document.published == sequence and document.body["awaiting"] == awaiting

        await wait_until(lambda: standing(2, store.AWAITED), timeout=20)
        await _make_due(state, posted["id"])
        await Reconciler(state.store, log, after=0.0).run_once()
        *_, amended, again = await _records(log, MESSAGES, 3)
        assert amended.headers["ce_id"] == again.headers["ce_id"]
        await log.publish([to_record(_routed(posted["id"], 3, department="city-water", revision=2), CASES)])
        await wait_until(lambda: standing(2, store.SETTLED), timeout=20)
        await log.close()


async def _make_due(state: Any, message_id: str) -> None:
    document = (await state.store.get(store.COLLECTION, [message_id]))[message_id]
    document.body["check_at"] = int(clock.now().timestamp())
    await state.store.replace(store.COLLECTION, [document])


def _routed(message_id: str, sequence: int, **fields: Any) -> Event:
    case = ids.case_id(message_id)
    data = {
        "case_id": case,
        "number": "QT1",
        "message_id": message_id,
        "state": "accepted",
        "disposition": "department",
        **fields,
    }
    return Event(ids.new_id(), cases.ACCEPTED, "/services/router", case, clock.timestamp(), data, sequence)


async def test_events_of_a_case_take_effect_once_and_in_order(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        log = open_log(city.home.log)
        third = _routed(posted["id"], 3, department="city-water")
        second = _routed(posted["id"], 2, department="city-tax")
        await log.publish([to_record(event, CASES) for event in (third, third, second)])
        last = _routed(posted["id"], 4, department="city-fire")
        await log.publish([to_record(last, CASES)])
        await log.close()

        async def at_the_last() -> dict[str, Any] | None:
            seen = await city.track(posted["tracking_code"])
            return (
                seen
                if (seen["department"] and seen["department"]["zh"].endswith("消防救援支队")) or len(seen["history"]) >= 3
                else None
            )

        seen = await wait_until(at_the_last, timeout=20)
        assert len(seen["history"]) == 3


async def test_an_event_about_a_message_nobody_posted_becomes_a_dead_letter_and_others_flow(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        log = open_log(city.home.log)
        stranger = _routed(ids.new_id(), 1)
        known = _routed(posted["id"], 1, department="city-water")
        junk = to_record(Event("1", "com.example.unknown", "x", "k", clock.timestamp(), {}), CASES)
        await log.publish([to_record(stranger, CASES), junk, to_record(known, CASES)])
        await log.close()
        assert (await city.settled(posted))["status"] == "department"

        async def kept() -> bool:
            account = await city.apps["intake"].state.intake.accounts.count()
            return bool(account["dead"] == 2)

        await wait_until(kept, timeout=20)


async def test_a_message_that_became_a_dead_letter_downstream_says_so(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮")
        data = {"message_id": posted["id"], "service": "classifier", "letter": "x", "reason": "bad-record"}
        event = Event(ids.new_id(), messages.DEAD, "/services/classifier", posted["id"], clock.timestamp(), data)
        log = open_log(city.home.log)
        await log.publish([to_record(event, DEAD_LETTERS)])
        await log.close()
        assert (await city.settled(posted))["status"] == "dead"


async def test_a_link_between_identifiers_is_evidence_and_can_be_undone(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        posted = await city.post("路灯不亮", citizen={"phone": "19999012345", "email": "someone@example.com"})
        key = city.key("operator")
        (link,) = (await city.intake.get(f"/v1/messages/{posted['id']}", headers=key)).json()["links"]
        assert (link["message"], link["undone"]) == (posted["id"], None)

        undone = await city.intake.post(f"/v1/citizens/links/{link['id']}/undo", json={"reason": "一家人合用电话"}, headers=key)
        assert undone.json()["undone"]["by"] == "operator"


async def test_an_amendment_links_what_it_adds_and_a_repeat_what_was_lost(tmp_path: Path) -> None:
    async with running_city(_home(tmp_path), ["intake"]) as city:
        key, both = city.key("operator"), {"phone": "19999012345", "email": "someone@example.com"}
        posted = await city.post("路灯不亮", external_id="1", citizen={"phone": both["phone"]})
        amended = {"external_id": "1", "revision": 2, "citizen": both}
        assert (await city.post("路灯还是不亮", **amended))["id"] == posted["id"]
        (link,) = (await city.intake.get(f"/v1/messages/{posted['id']}", headers=key)).json()["links"]
        assert link["message"] == posted["id"]

        documents = open_store(city.home.store, "intake")
        await documents.prepare([LINKS])
        await documents.delete(LINKS, [link["id"]])
        await documents.close()
        await city.post("路灯还是不亮", **amended)
        assert (await city.intake.get(f"/v1/messages/{posted['id']}", headers=key)).json()["links"] == [link]


async def test_every_service_answers_what_operators_ask(small_city: City) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/v1/account", "/openapi.json"):
        for client in (small_city.intake, small_city.classifier, small_city.router):
            answer: httpx.Response = await client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
