"""Every way in which a client can get it wrong: each answer is a problem (RFC 9457) that says what to change."""

import json
from typing import Any

import pytest

from tests.support.desk import Bench, message

pytestmark = pytest.mark.asyncio(loop_scope="module")
LUZHOU = "luzhou-housing"
_READS = ("/cases", "/triage", "/cases/x", f"/departments/{LUZHOU}/cases", f"/departments/{LUZHOU}/events", "/audit/minutes")
_ACTS = ("accept", "return", "resolve", "decide")

QUERIES: dict[str, tuple[str, int, str]] = {
    "limit is a word": ("/cases?limit=ten", 422, "query/limit"),
    "limit 0": ("/cases?limit=0", 422, "query/limit"),
    "limit 201": ("/triage?limit=201", 422, "query/limit"),
    "an endless limit": ("/cases?limit=" + "9" * 5000, 422, "query/limit"),
    "an unknown state": ("/cases?state=lost", 422, "query/state"),
    "an unknown disposition": ("/cases?disposition=lost", 422, "query/disposition"),
    "an unknown department": ("/cases?department=lost", 422, "query/department"),
    "a made-up cursor": ("/cases?cursor=abc", 400, "query/cursor"),
    "a cursor that is no text": ("/triage?cursor=%ff%00", 400, "query/cursor"),
    "a long cursor": ("/triage?cursor=" + "a" * 2000, 422, "query/cursor"),
    "a made-up place in the feed": (f"/departments/{LUZHOU}/events?after=abc", 400, "query/after"),
    "another department's place": (f"/departments/{LUZHOU}/events?after=eXVudGluZy1ob3VzaW5nLzA", 400, "query/after"),
    "a place written otherwise": (f"/departments/{LUZHOU}/events?after=bHV6aG91LWhvdXNpbmcvKzE", 400, "query/after"),
    "waiting too long": (f"/departments/{LUZHOU}/events?wait=61", 422, "query/wait"),
    "waiting backwards": (f"/departments/{LUZHOU}/events?wait=-1", 422, "query/wait"),
    "waiting NaN": (f"/departments/{LUZHOU}/events?wait=nan", 422, "query/wait"),
    "a state no department has": (f"/departments/{LUZHOU}/cases?state=triage", 422, "query/state"),
    "no minute": ("/audit/minutes", 422, "query/minute"),
    "no such minute": ("/audit/minutes?minute=yesterday", 422, "query/minute"),
    "an unknown desk": ("/departments/lost/cases", 404, ""),
    "an unknown case": ("/cases/lost", 404, ""),
    "a case of control characters": ("/cases/%00%ff", 404, ""),
    "a very long case": ("/cases/" + "a" * 5000, 404, ""),
    "no such route": ("/nothing", 404, ""),
}
BODIES: dict[str, tuple[str, Any, int, str]] = {
    "not JSON": ("return", b"hello", 400, ""),
    "half a JSON": ("return", b'{"reason": "abc', 400, ""),
    "not UTF-8": ("return", '{"reason": "不归"}'.encode("gb18030"), 400, ""),
    "endless nesting": ("return", b"[" * 100_000, 400, ""),
    "nothing": ("return", b"", 422, ""),
    "null": ("return", None, 422, ""),
    "a list": ("return", [], 422, ""),
    "no reason": ("return", {}, 422, "/reason"),
    "reason is blank": ("return", {"reason": "  \n"}, 422, "/reason"),
    "reason is a number": ("return", {"reason": 1}, 422, "/reason"),
    "reason is null": ("return", {"reason": None}, 422, "/reason"),
    "reason too long": ("return", {"reason": "长" * 2001}, 422, "/reason"),
    "a NUL": ("return", {"reason": "a\x00b"}, 422, "/reason"),
    "a lone surrogate": ("return", b'{"reason": "a\\ud800b"}', 422, "/reason"),
    "an unknown field": ("return", {"reason": "a", "why": "b"}, 422, "/why"),
    "accept with a reason": ("accept", {"reason": "a"}, 422, "/reason"),
    "an empty reference": ("accept", {"external_ref": ""}, 422, "/external_ref"),
    "no reply": ("resolve", {}, 422, "/reply"),
    "reply too long": ("resolve", {"reply": "长" * 20_001}, 422, "/reply"),
    "11 MB": ("resolve", {"reply": "a" * 11_000_000}, 413, ""),
    "no decision": ("decide", {}, 422, "/decision"),
    "an unknown decision": ("decide", {"decision": "forget"}, 422, "/decision"),
    "a department without its name": ("decide", {"decision": "department"}, 422, "/department"),
    "answered without an answer": ("decide", {"decision": "answered"}, 422, "/reply"),
    "referred nowhere": ("decide", {"decision": "referred", "reason": "a"}, 422, "/to"),
    "not admitted without a reason": ("decide", {"decision": "not_admitted"}, 422, "/reason"),
    "a field of another decision": ("decide", {"decision": "not_admitted", "reason": "a", "case": "b"}, 422, "/case"),
}
HEADERS: dict[str, tuple[dict[str, str], int, str]] = {
    "If-Match without quotes": ({"If-Match": "3"}, 400, "header/If-Match"),
    "an empty If-Match": ({"If-Match": ""}, 400, "header/If-Match"),
    "another If-Match": ({"If-Match": '"abc"'}, 412, "header/If-Match"),
    "a huge If-Match": ({"If-Match": f'"{"9" * 5000}"'}, 412, "header/If-Match"),
    "an empty Idempotency-Key": ({"Idempotency-Key": " "}, 400, "header/Idempotency-Key"),
    "a long Idempotency-Key": ({"Idempotency-Key": "k" * 201}, 400, "header/Idempotency-Key"),
}


def assert_problem(answer: Any, status: int, pointer: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:yijian:problem:")
    assert problem["detail"]
    if pointer:
        assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(("path", "status", "pointer"), QUERIES.values(), ids=QUERIES.keys())
async def test_a_bad_question(shared_bench: Bench, path: str, status: int, pointer: str) -> None:
    assert_problem(await shared_bench.client.get(f"/v1{path}", headers=shared_bench.key("operator")), status, pointer)


async def test_a_bad_body(shared_bench: Bench) -> None:
    """One case for all: nothing that is refused changes it."""
    case = await shared_bench.opened(message(), category=None, abstained="uncertain")
    for name, (act, body, status, pointer) in BODIES.items():
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = shared_bench.key("operator") | {"content-type": "application/json"}
        answer = await shared_bench.client.post(f"/v1/cases/{case['id']}/{act}", content=content, headers=headers)
        try:
            assert_problem(answer, status, pointer)
        except AssertionError as error:
            raise AssertionError(name) from error
    assert (await shared_bench.get(f"/cases/{case['id']}")).json() == case


@pytest.mark.parametrize(("headers", "status", "pointer"), HEADERS.values(), ids=HEADERS.keys())
async def test_a_bad_header(shared_bench: Bench, headers: dict[str, str], status: int, pointer: str) -> None:
    case = await shared_bench.opened(message())
    assert_problem(await shared_bench.act(case["id"], "accept", {}, **headers), status, pointer)


async def test_nobody_gets_in_without_the_right_key(shared_bench: Bench) -> None:
    reads = [("GET", path, b"") for path in _READS]
    for method, path, body in (*reads, *(("POST", f"/cases/x/{act}", b"{}") for act in _ACTS)):
        for key, status in (
            ("", 401),
            ("Bearer nonsense", 401),
            ("Basic abc", 401),
            (shared_bench.key("channel")["Authorization"], 403),
        ):
            headers = {"Authorization": key, "content-type": "application/json"}
            answer = await shared_bench.client.request(method, f"/v1{path}", content=body, headers=headers)
            assert_problem(answer, status, "")
    for path in ("/cases", "/triage", "/audit/minutes?minute=2026-11-20T01:12"):
        assert_problem(await shared_bench.client.get(f"/v1{path}", headers=shared_bench.key(LUZHOU)), 403, "")
    assert_problem(await shared_bench.act("x", "decide", {"decision": "answered", "reply": "a"}, key=LUZHOU), 403, "")
