"""Express routes skip every layer; whoever speaks HTTP to them must not notice. A real process through real sockets."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from shared.testing.wait import wait_until
from tests.support.processes import Program, program

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOSE = b"Connection: close"


class Answer(NamedTuple):
    """As it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    folder = tmp_path_factory.mktemp("express")
    async with program("tests.support.small", folder, SMALL_SIGN=folder / "sign", YIJIAN_BODY_SECONDS=2) as running:
        yield running


def post(asked: dict[str, Any], *headers: bytes, version: bytes = b"1.1") -> bytes:
    body = json.dumps(asked).encode()
    lines = [b"POST /express HTTP/" + version, b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def read(reader: asyncio.StreamReader) -> Answer:
    """The next answer of a connection that stays."""
    top, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answer(int(top.split()[1]), headers, await reader.readexactly(int(headers["content-length"])))


async def test_an_answer_has_what_every_answer_has_and_the_connection_stays(small: Program) -> None:
    async with small.connection() as (reader, writer):
        for number in range(3):
            writer.write(post({"id": number}))
            answer = await read(reader)
            assert (answer.status, answer.told["id"], answer.told["scheme"]) == (202, number, "http")
            assert answer.headers.keys() == {"date", "x-told", "content-length", "content-type"}


@pytest.mark.parametrize("request_", [post({}, CLOSE), post({}, version=b"1.0")], ids=["asked to", "HTTP/1.0"])
async def test_the_connection_is_closed_where_it_has_to_be(small: Program, request_: bytes) -> None:
    answer = await small.ask(request_)
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"connection: close\r\n" in answer


async def test_requests_that_are_sent_ahead_are_answered_in_order(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(b"".join(post({"id": number, "seconds": 0.2 if number == 0 else 0}) for number in range(5)))
        assert [(await read(reader)).told["id"] for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_body_that_is_waited_for_is_asked_for(small: Program) -> None:
    head, _, body = post({"id": 7}, b"Expect: 100-continue").partition(b"\r\n\r\n")
    async with small.connection() as (reader, writer):
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await read(reader)).told["id"] == 7


async def test_a_body_may_come_in_chunks(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(b"POST /express HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b'5\r\n{"id"\r\n4\r\n: 8}\r\n0\r\n\r\n')
        assert (await read(reader)).told["id"] == 8


async def test_behind_a_proxy_the_scheme_is_the_one_the_client_used(small: Program) -> None:
    answer = await small.ask(post({}, CLOSE, b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.7"))
    assert b'"scheme":"https"' in answer


async def test_a_problem_is_told_as_everywhere(small: Program) -> None:
    async with small.connection() as (reader, writer):
        for fail, status, slug in (("problem", 418, "teapot"), ("bug", 500, "unexpected")):
            writer.write(post({"fail": fail}))
            answer = await read(reader)
            assert (answer.status, answer.told["type"]) == (status, f"urn:yijian:problem:{slug}")
            assert answer.headers["content-type"] == "application/problem+json"


async def test_other_methods_find_the_route_too(small: Program) -> None:
    answer = await small.ask(b"GET /express HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 ")


async def test_a_body_over_the_limit_is_refused_whether_its_length_is_said_or_not(small: Program) -> None:
    said = b"POST /express HTTP/1.1\r\nHost: x\r\nContent-Length: 10485761\r\n\r\n"
    unsaid = b"POST /express HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nA00001\r\n" + b"x" * 0xA00001 + b"\r\n"
    for request in (said, unsaid):
        async with small.connection() as (reader, writer):
            writer.write(request)
            answer = await read(reader)
            assert (answer.status, answer.told["type"]) == (413, "urn:yijian:problem:too-large")


async def test_whoever_hangs_up_in_mid_body_or_before_the_answer_hinders_nobody(small: Program) -> None:
    async with small.connection() as (_, writer):
        writer.write(post({"id": 1})[:-3])
    async with small.connection() as (_, writer):
        writer.write(post({"seconds": 0.2}))
    counted = b'yijian_http_requests_total{route="/express",status="499"}'
    metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    async def is_counted() -> bool:
        return counted in await small.ask(metrics)

    await wait_until(is_counted, what="the request without a body being counted")
    assert (await small.ask(post({}, CLOSE))).startswith(b"HTTP/1.1 202 ")


async def test_whoever_does_not_read_an_answer_is_cut_off(small: Program) -> None:
    async with small.connection() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(post({"bytes": 50_000_000}))

        async def is_cut_off() -> bool:
            writer.write(b" ")
            return writer.transport.is_closing()

        await wait_until(is_cut_off, timeout=10, what="the connection being cut off")


async def test_a_stop_answers_what_is_in_flight(tmp_path: Path) -> None:
    async with program("tests.support.small", tmp_path, SMALL_SIGN=tmp_path / "sign") as running:
        answer = asyncio.create_task(running.ask(post({"seconds": 1.0})))
        await wait_until((tmp_path / "sign").exists, what="the request being at work")
        running.process.send_signal(signal.SIGTERM)
        assert (await answer).startswith(b"HTTP/1.1 202 ")
        assert await running.ended() == 0


async def test_what_is_in_flight_at_the_deadline_of_a_stop_is_cut_off(tmp_path: Path) -> None:
    async with program("tests.support.small", tmp_path, SMALL_SIGN=tmp_path / "sign", YIJIAN_DRAIN_SECONDS=1) as running:
        answer = asyncio.create_task(running.ask(post({"seconds": 60})))
        await wait_until((tmp_path / "sign").exists, what="the request being at work")
        running.process.send_signal(signal.SIGTERM)
        assert await answer == b""
        await running.ended()
