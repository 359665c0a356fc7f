"""Every way in which a channel can get it wrong: each answer is a problem (RFC 9457) that says what to change."""

import json
from typing import Any

import httpx
import pytest

from services.intake.store import COLLECTION
from shared import clock
from shared.http.auth import KeyFile
from tests.support.city import City

pytestmark = pytest.mark.asyncio(loop_scope="module")
_GOOD: dict[str, Any] = {"text": "望江街道路灯不亮", "channel": "hotline"}


def _message(**fields: Any) -> bytes:
    return json.dumps(_GOOD | fields).encode()


REFUSED = {
    "not JSON": (b"hello", 400, "not-json", ""),
    "nothing": (b"", 400, "not-json", ""),
    "half a JSON": (b'{"text": "abc"', 400, "not-json", ""),
    "not UTF-8": ('{"text": "路灯"}'.encode("gb18030"), 400, "not-json", ""),
    "NaN": (b'{"text": "abc", "channel": "hotline", "extra": {"a": NaN}}', 400, "not-json", ""),
    "endless nesting": (b"[" * 100_000, 400, "not-json", ""),
    "deep nesting": (_message(extra={"a": json.loads("[" * 100 + "]" * 100)}), 422, "invalid", ""),
    "deeper than encoders go": (_message(a=json.loads("[" * 253 + "]" * 253)), 422, "invalid", ""),
    "as deep as parsers go": (b'{"channel":"hotline","text":"a","b":' + b"[" * 1000 + b"]" * 1000 + b"}", 422, "invalid", ""),
    "a list": (b"[]", 422, "invalid", ""),
    "a string": (b'"hello"', 422, "invalid", ""),
    "null": (b"null", 422, "invalid", ""),
    "no text": (b'{"channel": "hotline"}', 422, "invalid", "/text"),
    "text is null": (_message(text=None), 422, "invalid", "/text"),
    "text is a list": (_message(text=["a"]), 422, "invalid", "/text"),
    "text is empty": (_message(text=""), 422, "empty-text", "/text"),
    "text is blank": (_message(text="  \n\t　 "), 422, "empty-text", "/text"),
    "text is control characters": (_message(text="\x00\x01\u200b\x7f"), 422, "empty-text", "/text"),
    "a lone surrogate": (b'{"channel": "hotline", "text": "abc \\ud800 def"}', 422, "invalid", "/text"),
    "a lone surrogate in extra": (
        b'{"channel": "hotline", "text": "abc", "extra": {"a": "\\udfff"}}',
        422,
        "invalid",
        "/extra/a",
    ),
    "text of 300 KB": (_message(text="路" * 100_000), 413, "too-large", "/text"),
    "text of 10 MB": (_message(text="a" * (10 * 1024 * 1024)), 413, "too-large", ""),
    "title is a list": (_message(title=[1]), 422, "invalid", "/title"),
    "no channel": (b'{"text": "abc"}', 422, "channel-missing", "/channel"),
    "unknown channel": (_message(channel="pigeon"), 422, "unknown-channel", "/channel"),
    "revision 0": (_message(revision=0), 422, "invalid", "/revision"),
    "revision is a word": (_message(revision="two"), 422, "invalid", "/revision"),
    "citizen is a string": (_message(citizen="Li"), 422, "invalid", "/citizen"),
    "kind of citizen unknown": (_message(citizen={"kind": "dog"}), 422, "invalid", "/citizen/kind"),
    "a name of 1,000": (_message(citizen={"name": "x" * 1000}), 422, "invalid", "/citizen/name"),
    "anonymous is a word": (_message(citizen={"anonymous": "perhaps"}), 422, "invalid", "/citizen/anonymous"),
    "place is a string": (_message(place="there"), 422, "invalid", "/place"),
    "external_id empty": (_message(external_id=""), 422, "invalid", "/external_id"),
    "external_id endless": (_message(external_id="x" * 1000), 422, "invalid", "/external_id"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_message_is_refused_with_what_to_change(front_door: City, case: str) -> None:
    body, status, slug, pointer = REFUSED[case]
    before = await _stored(front_door)
    answer = await front_door.intake.post("/v1/messages", content=body, headers=front_door.key("all-channels"))
    _is_problem(answer, status, slug)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await _stored(front_door) == before


async def _stored(city: City) -> int:
    count: int = await city.apps["intake"].state.intake.store.count(COLLECTION, "by_minute", {})
    return count


TAKEN = {
    "a region that does not exist": (
        {"place": {"region": "110101"}},
        "region_unknown",
        lambda m: m["place"]["region"] == "110101",
    ),
    "a district that is no more": (
        {"place": {"region": "990101"}},
        "region_retired",
        lambda m: m["place"]["region"] == "990101",
    ),
    "a street that is no more": (
        {"place": {"region": "990102008"}},
        "region_retired",
        lambda m: m["place"]["region"] == "990102008",
    ),
    "a community of a street that is no more": (
        {"place": {"region": "990102008003"}},
        "region_retired",
        lambda m: m["place"]["region"] == "990102008003",
    ),
    "a community of a street in use": ({"place": {"region": "990102001099"}}, None, lambda m: m["place"]["region"]),
    "an unknown field": ({"weather": "rain"}, None, lambda m: m["extra"]["weather"] == "rain"),
    "an unknown field of the place": ({"place": {"floor": 3}}, None, lambda m: m["extra"]["place.floor"] == 3),
    "unknown fields of the citizen, which stay sealed": (
        {"citizen": {"anonymous": True, "address": "幸福路12号3单元301", "wechat": "zhangsan_88"}},
        None,
        lambda m: m["extra"] == {},
    ),
    "extra is a list": ({"extra": [1]}, "extra_not_an_object", lambda m: m["extra"]["extra"] == [1]),
    "coordinates in words": ({"place": {"lon": "east", "lat": 30}}, "coordinates_unusable", lambda m: m["place"]["lon"] is None),
    "coordinates off the globe": (
        {"place": {"lon": 200, "lat": 30}},
        "coordinates_unusable",
        lambda m: m["place"]["lat"] is None,
    ),
    "a category as a number": ({"category": 7}, "category_unusable", lambda m: m["extra"]["category"] == 7),
    "a NUL in the text": ({"text": "路灯\x00不亮"}, "control_characters_removed", lambda m: m["text"] == "路灯不亮"),
    "a number as external id": ({"external_id": 12345}, None, lambda m: m["external_id"] == "12345"),
}


@pytest.mark.parametrize("case", TAKEN)
async def test_what_cannot_be_used_is_kept_and_flagged(front_door: City, case: str) -> None:
    fields, flag, holds = TAKEN[case]
    posted = await front_door.post(**{"text": "路灯不亮"} | fields)
    message = (await front_door.intake.get(f"/v1/messages/{posted['id']}", headers=front_door.key("operator"))).json()
    assert message["flags"] == ([flag] if flag else [])
    assert holds(message)


WRONG_DATES = [
    "yesterday",
    "2026-11-20",
    "2026-13-40T00:00:00Z",
    "2026-11-20T09:12:00",
    "2019/2/28 11:25:05",
    1763600000,
    True,
    {},
    ["x"],
    "",
]


@pytest.mark.parametrize("date", WRONG_DATES, ids=str)
async def test_a_date_in_a_wrong_form_is_kept_as_it_came(front_door: City, date: Any) -> None:
    posted = await front_door.post("路灯不亮", submitted_at=date)
    message = (await front_door.intake.get(f"/v1/messages/{posted['id']}", headers=front_door.key("operator"))).json()
    assert message["submitted_at"] is None
    assert message["extra"]["submitted_at"] == date
    assert message["flags"] == ["submitted_at_unreadable"]


@pytest.mark.parametrize("date", ["1890-01-01T00:00:00Z", "2999-01-01T00:00:00+08:00"])
async def test_a_date_that_cannot_be_is_flagged(front_door: City, date: str) -> None:
    posted = await front_door.post("路灯不亮", submitted_at=date)
    assert posted["flags"] == ["submitted_at_implausible"]


async def test_a_batch_keeps_the_good_ones(front_door: City) -> None:
    lines = [_message(text="第一条：路灯不亮"), b"not json", _message(text=""), _message(text="第四条：井盖丢失"), b"[1]"]
    headers = front_door.key("all-channels") | {"content-type": "application/x-ndjson"}
    answer = await front_door.intake.post("/v1/messages:batch", content=b"\n".join(lines), headers=headers)
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [202, 400, 422, 202, 422]
    assert (answer.json()["accepted"], answer.json()["refused"]) == (2, 3)
    assert results[2]["problem"]["errors"][0]["pointer"] == "/text"


BATCHES = {
    "empty": (b"[]", 400, "empty-batch"),
    "nothing": (b"", 400, "empty-batch"),
    "half an array": (b'[{"text": "a"}', 400, "not-json"),
    "too many": (b"[" + b",".join([b"1"] * 1001) + b"]", 413, "too-many"),
    "too large": (b"[" + b" " * (10 * 1024 * 1024 + 1) + b"]", 413, "too-large"),
}


@pytest.mark.parametrize("case", BATCHES)
async def test_a_bad_batch_is_refused_whole(front_door: City, case: str) -> None:
    body, status, slug = BATCHES[case]
    answer = await front_door.intake.post("/v1/messages:batch", content=body, headers=front_door.key("all-channels"))
    _is_problem(answer, status, slug)


async def test_a_duplicate_with_another_body_is_refused(front_door: City) -> None:
    key = front_door.key("hotline") | {"Idempotency-Key": '"k-1"'}
    first = await front_door.intake.post("/v1/messages", json=_GOOD, headers=key)
    again = await front_door.intake.post("/v1/messages", json=_GOOD, headers=key)
    other = await front_door.intake.post("/v1/messages", json=_GOOD | {"title": "x"}, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    _is_problem(other, 422, "idempotency-key-reused")
    assert other.json()["errors"][0]["pointer"] == "header/Idempotency-Key"


async def test_an_external_id_with_another_body_is_refused(front_door: City) -> None:
    await front_door.post("路灯不亮", external_id="e-1")
    answer = await front_door.intake.post(
        "/v1/messages", json=_GOOD | {"external_id": "e-1"}, headers=front_door.key("all-channels")
    )
    _is_problem(answer, 422, "external-id-reused")


async def test_a_revision_that_comes_too_late_is_refused(front_door: City) -> None:
    await front_door.post("路灯不亮", external_id="e-2", revision=3)
    body = _GOOD | {"external_id": "e-2", "revision": 2}
    answer = await front_door.intake.post("/v1/messages", json=body, headers=front_door.key("all-channels"))
    _is_problem(answer, 422, "outdated-revision")
    assert answer.json()["revision"] == 3


async def test_a_bad_idempotency_key_is_refused(front_door: City) -> None:
    headers = front_door.key("hotline") | {"Idempotency-Key": "x" * 300}
    _is_problem(await front_door.intake.post("/v1/messages", json=_GOOD, headers=headers), 400, "bad-idempotency-key")


async def test_a_message_without_any_key_says_that_it_is_not_safe_to_repeat(front_door: City) -> None:
    assert (await front_door.post("路灯不亮"))["safe_to_repeat"] is False


async def test_a_key_of_another_channel_is_refused(front_door: City) -> None:
    answer = await front_door.intake.post("/v1/messages", json=_GOOD | {"channel": "app"}, headers=front_door.key("hotline"))
    _is_problem(answer, 403, "wrong-channel")


async def test_an_expired_key_is_refused(front_door: City) -> None:
    secret = KeyFile(front_door.home.data / "keys.json").add("old", "channel", expires=clock.timestamp())
    answer = await front_door.intake.post("/v1/messages", json=_GOOD, headers={"Authorization": f"Bearer {secret}"})
    _is_problem(answer, 401, "expired-key")


ROUTES = [
    ("POST", "/v1/messages", "department"),
    ("POST", "/v1/messages:batch", "department"),
    ("POST", "/v1/messages:status", "department"),
    ("GET", "/v1/messages/x", None),
    ("GET", "/v1/messages/x/contact", "channel"),
    ("GET", "/v1/audit/minutes?minute=2026-11-20T01:12", "channel"),
]
_OF_ROLE = {"department": "city-tax", "channel": "hotline"}


@pytest.mark.parametrize(("method", "path", "wrong"), ROUTES, ids=str)
async def test_every_route_wants_a_key_of_the_right_role(front_door: City, method: str, path: str, wrong: str | None) -> None:
    for headers, slug in [
        ({}, "missing-key"),
        ({"Authorization": "Bearer nonsense"}, "unknown-key"),
        ({"Authorization": "Basic x"}, "missing-key"),
    ]:
        answer = await front_door.intake.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
        _is_problem(answer, 401, slug)
        assert "www-authenticate" in answer.headers
    if wrong:
        headers = front_door.key(_OF_ROLE[wrong])
        _is_problem(await front_door.intake.request(method, path, headers=headers), 403, "wrong-role")


ELSEWHERE = {
    "no such message": ("GET", "/v1/messages/none", b"", 404, "no-such-message"),
    "no such route": ("GET", "/v1/nothing", b"", 404, "not-found"),
    "wrong method": ("DELETE", "/v1/messages", b"", 405, "method-not-allowed"),
    "ids missing": ("POST", "/v1/messages:status", b"{}", 422, "invalid"),
    "ids no JSON": ("POST", "/v1/messages:status", b"x", 400, "not-json"),
    "ids too many": ("POST", "/v1/messages:status", json.dumps({"ids": ["x"] * 1001}).encode(), 422, "invalid"),
    "tracking code too short": ("GET", "/v1/track/ABC", b"", 404, "bad-tracking-code"),
    "minute in words": ("GET", "/v1/audit/minutes?minute=now", b"", 422, "invalid"),
    "contact without a reason": ("GET", "/v1/messages/none/contact", b"", 404, "no-such-message"),
    "no such link": ("POST", "/v1/citizens/links/none/undo", b'{"reason": "shared phone"}', 404, "no-such-link"),
    "undo without a reason": ("POST", "/v1/citizens/links/none/undo", b"{}", 422, "invalid"),
}


@pytest.mark.parametrize("case", ELSEWHERE)
async def test_every_other_mistake_is_a_problem_too(front_door: City, case: str) -> None:
    method, path, body, status, slug = ELSEWHERE[case]
    headers = front_door.key("operator") | ({"content-type": "application/json"} if body else {})
    _is_problem(await front_door.intake.request(method, path, content=body, headers=headers), status, slug)


async def test_a_contact_without_a_reason_is_refused(front_door: City) -> None:
    posted = await front_door.post("路灯不亮", citizen={"phone": "19999012345"})
    path = f"/v1/messages/{posted['id']}/contact"
    _is_problem(await front_door.intake.get(path, headers=front_door.key("operator")), 422, "reason-missing")
    wanted = {"reason": "核实情况", "placeholder": "[电话9]"}
    _is_problem(await front_door.intake.get(path, params=wanted, headers=front_door.key("operator")), 404, "no-such-placeholder")


def _is_problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body = answer.json()
    assert body["type"] == f"urn:yijian:problem:{slug}"
    assert body["status"] == status
    assert len(body["detail"]) > 10
