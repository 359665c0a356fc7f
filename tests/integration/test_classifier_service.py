"""The classifier as a service: what it answers, what it refuses, what it puts on the log."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared import clock, ids
from shared.errors import Permanent
from shared.events import catalog, messages
from shared.events.envelope import Event, from_record, to_record
from shared.log import Received, open_log
from shared.testing.wait import wait_until
from tests.support.city import City, Home, running_city

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory, model: Path) -> AsyncIterator[City]:
    """The classifier alone in the one-machine home."""
    path = tmp_path_factory.mktemp("classifier")
    async with running_city(Home(path, f"sqlite:////{path}/log.db", f"sqlite:////{path}/", model), ["classifier"]) as city:
        yield city


async def test_an_answer_tells_what_it_is_about_and_which_words_decided(alone: City) -> None:
    text = "禾坪县稻香村灌溉水渠堵塞，稻田没水，请水利部门疏通"
    answer = await alone.classifier.post("/v1/classify", json={"text": text}, headers=alone.key("hotline"))
    found = answer.json()
    leaf = "rural.irrigation.channels"
    assert (answer.status_code, found["category"], found["path"]) == (200, leaf, ["rural", "rural.irrigation", leaf])
    assert (found["region"], found["abstained"]) == ("990122103201", None)
    assert all(text[word["start"] : word["end"]] == word["text"] for word in found["why"])
    assert found["model_version"].startswith("qingting-")


async def test_what_it_will_not_decide_comes_with_the_reason_and_what_it_might_have_been(alone: City) -> None:
    found = (await alone.classifier.post("/v1/classify", json={"text": "怎么办"}, headers=alone.key("hotline"))).json()
    assert found["category"] is None
    assert found["abstained"] in {"uncertain", "too_short"}


REFUSED = {
    "not JSON": (b"hello", 400, "not-json"),
    "no text": (b"{}", 422, "invalid"),
    "empty text": (b'{"text": ""}', 422, "invalid"),
    "text is a number": (b'{"text": 7}', 422, "invalid"),
    "unknown field": (b'{"text": "a", "colour": 1}', 422, "invalid"),
    "text of 300 KB": (b'{"text": "' + b"a" * 300_000 + b'"}', 422, "invalid"),
    "body of 11 MB": (b'{"text": "' + b"a" * 11_000_000 + b'"}', 413, "too-large"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_question_is_refused_with_what_to_change(alone: City, case: str) -> None:
    body, status, slug = REFUSED[case]
    headers = alone.key("hotline") | {"content-type": "application/json"}
    answer = await alone.classifier.post("/v1/classify", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:yijian:problem:{slug}"
    assert "pointer" in answer.json()["errors"][0]


async def test_a_question_needs_a_key(alone: City) -> None:
    answer: httpx.Response = await alone.classifier.post("/v1/classify", json={"text": "a"})
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:yijian:problem:missing-key")


async def test_the_same_message_twice_gives_the_same_event_and_junk_holds_up_nobody(alone: City) -> None:
    """A repeat is recognised downstream by its id; what cannot be understood becomes a dead letter beside the flow."""
    message = messages.Message(id=ids.new_id(), channel="hotline", text="路灯不亮", received_at=clock.timestamp())
    data = message.model_dump(mode="json")
    event = Event(ids.new_id(), messages.RECEIVED, "/services/intake", message.id, clock.timestamp(), data, 1)
    junk = Event(ids.new_id(), messages.RECEIVED, "/services/intake", "junk", clock.timestamp(), {"text": 7}, 1)
    log = open_log(alone.home.log)
    await log.publish([to_record(one, catalog.MESSAGES) for one in (junk, event, event)])
    found: list[Received] = []
    async with log.subscribe("test", [catalog.CLASSIFIED]) as consumer:

        async def both() -> bool:
            found.extend(await consumer.poll(100, 0.2))
            return len(found) == 2

        await wait_until(both, timeout=20)
    await log.close()
    first, second = (from_record(record) for record in found)
    assert first.id == second.id == ids.event_id(event.id, messages.CLASSIFIED)
    assert first.data["message"] == data
    assert (await alone.classifier.get("/v1/account")).json()["dead"] == 1


async def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    home = Home(tmp_path, f"sqlite:////{tmp_path}/log.db", f"sqlite:////{tmp_path}/", tmp_path / "nothing")
    with pytest.raises(Permanent, match="yijian train"):
        async with running_city(home, ["classifier"]):
            pass
