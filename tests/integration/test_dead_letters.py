"""Dead letters over HTTP and by the command: an operator finds one, mends it and hands it back."""

import pytest

from shared import ids
from shared.events.catalog import MESSAGES
from shared.events.messages import RECEIVED
from shared.log import open_log
from shared.log.port import Record
from shared.testing.wait import wait_until
from tests.support.city import City

_HEADERS = {
    "ce_specversion": "1.0", "ce_source": "/tests", "ce_type": RECEIVED, "ce_time": "2026-11-20T00:00:00.000Z",
    "content-type": "application/json",
}  # fmt: skip


async def _poison(city: City) -> str:
    """An event of ours whose data fits no model, in the classifier's topic; its message's id."""
    message_id = ids.new_id()
    log = open_log(city.home.log)
    headers = _HEADERS | {"ce_id": ids.new_id(), "ce_subject": message_id}
    await log.publish([Record(MESSAGES, message_id, b'{"id": 7, "text": "x"}', headers)])
    await log.close()
    return message_id


async def _letters(city: City, **query: str) -> list[dict]:
    answer = await city.classifier.get("/v1/deadletters", params=query, headers=city.key("operator"))
    assert answer.status_code == 200, answer.text
    found: list[dict] = answer.json()["letters"]
    return found


async def test_a_message_that_cannot_be_understood_is_mended_and_reaches_its_department(small_city: City) -> None:
    """The story of one poisoned record: it is kept with its reason, the account tells it, an operator mends it."""
    message_id = await _poison(small_city)
    (letter,) = await wait_until(lambda: _letters(small_city), timeout=30)
    path, key = f"/v1/deadletters/{letter['id']}", small_city.key("operator")

    assert (letter["reason"], letter["key"], letter["group"]) == ("bad-record", message_id, "classifier")
    assert "/id" in letter["detail"]
    shown = (await small_city.classifier.get(path, headers=key)).json()
    assert shown["data"] == {"id": 7, "text": "x"}

    wrong = await small_city.classifier.post(f"{path}/replay", json={"data": {"id": 8}}, headers=key)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:yijian:problem:bad-record")
    assert (await small_city.classifier.get(path, headers=key)).json() == shown

    posted = await small_city.post("鹭洲区桂花苑小区物业收了物业费却不打扫卫生，垃圾堆在楼道里")
    good = (await small_city.intake.get(f"/v1/messages/{posted['id']}", headers=key)).json()
    mended = {
        name: good[name]
        for name in good
        if name not in {"status", "case", "case_number", "department", "links", "history", "tracking_code"}
    }
    answer = await small_city.classifier.post(f"{path}/replay", json={"data": mended | {"id": message_id}}, headers=key)
    assert answer.status_code == 202, answer.text

    async def routed() -> bool:
        listed = (await small_city.router.get("/v1/cases", headers=key)).json()["cases"]
        return len(listed) == 2

    await wait_until(routed, timeout=30, what="the mended message being routed")
    assert (await _letters(small_city, status="replayed"))[0]["id"] == letter["id"]


async def test_it_is_discarded_with_a_reason(small_city: City) -> None:
    await _poison(small_city)
    (letter,) = await wait_until(lambda: _letters(small_city), timeout=30)
    path, key = f"/v1/deadletters/{letter['id']}", small_city.key("operator")
    without = await small_city.classifier.post(f"{path}/discard", json={}, headers=key)
    assert (without.status_code, without.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert (await small_city.classifier.post(f"{path}/discard", json={"reason": "a test"}, headers=key)).json()[
        "status"
    ] == "discarded"
    again = await small_city.classifier.post(f"{path}/replay", headers=key)
    assert (again.status_code, again.json()["type"]) == (409, "urn:yijian:problem:letter-closed")


REFUSED = {
    "no key": ("GET", "/v1/deadletters", None, None, 401),
    "a channel's key": ("GET", "/v1/deadletters", None, "hotline", 403),
    "an unknown status": ("GET", "/v1/deadletters?status=gone", None, "operator", 422),
    "a foreign cursor": ("GET", "/v1/deadletters?cursor=xyz", None, "operator", 400),
    "no such letter": ("GET", "/v1/deadletters/a/b/c", None, "operator", 404),
    "no such letter to replay": ("POST", "/v1/deadletters/a/b/c/replay", {}, "operator", 404),
    "no such letter to discard": ("POST", "/v1/deadletters/a/b/c/discard", {"reason": "none"}, "operator", 404),
    "data that is no object": ("POST", "/v1/deadletters/a/b/c/replay", {"data": 1}, "operator", 422),
    "an unknown field": ("POST", "/v1/deadletters/a/b/c/replay", {"dta": {}}, "operator", 422),
    "all of no reason": ("POST", "/v1/deadletters:replay", {}, "operator", 422),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_request_is_refused(front_door: City, case: str) -> None:
    method, path, body, key, status = REFUSED[case]
    headers = front_door.key(key) if key else {}
    answer = await front_door.intake.request(method, path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


test_a_bad_request_is_refused = pytest.mark.asyncio(loop_scope="module")(test_a_bad_request_is_refused)
