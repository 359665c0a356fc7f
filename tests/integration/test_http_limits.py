"""What a connection may take of a service, tried on a real process through real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from shared.clock import monotonic
from shared.testing.wait import wait_until
from tests.support.processes import Program, program

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOSE = b"Connection: close\r\n"
LIMITS = {
    "YIJIAN_CONNECTIONS": 20, "YIJIAN_HEAD_BYTES": 8192, "YIJIAN_HEAD_COUNT": 30, "YIJIAN_HEAD_SECONDS": 1, "YIJIAN_BODY_SECONDS": 1,
    "YIJIAN_KEEP_ALIVE_SECONDS": 2,
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    folder = tmp_path_factory.mktemp("small")
    async with program("tests.support.small", folder, SMALL_SIGN=folder / "sign", **LIMITS) as running:
        yield running


def head(*lines: bytes, path: bytes = b"/echo", method: bytes = b"POST") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def problem(answer: bytes) -> tuple[int, str]:
    """Status and slug of an answer that is a problem."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in top, answer[:500]
    return int(top.split()[1]), json.loads(body)["type"].rpartition(":")[2]


async def is_well(small: Program) -> None:
    answer = await small.ask(head(b"Content-Length: 3", b"Connection: close") + b"abc")
    assert answer.endswith(b'{"length":3}')


@pytest.mark.parametrize(
    "request_", [head(b"X: " + b"x" * 9000), head(path=b"/" + b"x" * 9000), head(*(b"X-%d: y" % n for n in range(40)))],
    ids=["a long header", "a long address", "many headers"],
)  # fmt: skip
async def test_a_head_that_is_too_large_is_refused(small: Program, request_: bytes) -> None:
    assert problem(await small.ask(request_)) == (431, "head-too-large")
    await is_well(small)


async def test_a_head_without_an_end_is_refused_when_it_grows_too_large(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\nX: ")
        for _ in range(5):
            writer.write(b"x" * 4096)
            await writer.drain()
        assert problem(await reader.read()) == (431, "head-too-large")


async def test_what_is_no_http_is_answered_with_a_problem(small: Program) -> None:
    assert problem(await small.ask(b"EHLO example.com\r\n\r\n")) == (400, "not-http")


async def test_a_head_that_comes_drop_by_drop_is_refused_in_time(small: Program) -> None:
    started = monotonic()
    async with small.connection() as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\n")
        answer = asyncio.create_task(reader.read())
        await wait_until(lambda: _drip(writer, answer, b"X: y\r\n"), what="the end")
        assert problem(answer.result()) == (408, "too-slow")
    assert 0.9 < monotonic() - started < 6


def _drip(writer: asyncio.StreamWriter, answer: "asyncio.Task[bytes]", drop: bytes) -> bool:
    if not answer.done():
        writer.write(drop[:1] if len(drop) == 1 else drop)
    return answer.done()


async def test_a_body_that_comes_drop_by_drop_is_refused_in_time(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(head(b"Content-Length: 100000"))
        answer = asyncio.create_task(reader.read())
        await wait_until(lambda: _drip(writer, answer, b"x"), what="the end")
        assert problem(answer.result()) == (408, "too-slow")
    await is_well(small)


async def test_a_connection_that_says_nothing_is_closed(small: Program) -> None:
    async with small.connection() as (reader, _):
        await asyncio.wait_for(reader.read(), 6)


async def test_a_connection_that_rests_too_long_is_closed_and_one_at_work_is_not(small: Program) -> None:
    async with small.connection() as (reader, writer):
        for _ in range(3):
            writer.write(head(b"Content-Length: 3") + b"abc")
            assert b"200 OK" in await reader.readuntil(b'{"length":3}')
        assert await asyncio.wait_for(reader.read(), 8) == b""


async def test_empty_lines_do_not_keep_a_connection(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(head(b"Content-Length: 3") + b"abc")
        await reader.readuntil(b'{"length":3}')
        answer = asyncio.create_task(reader.read())
        await wait_until(lambda: _drip(writer, answer, b"\r\n"), what="the end")


async def test_an_answer_that_takes_longer_than_a_request_may_is_given_all_the_same(small: Program) -> None:
    answer = await small.ask(head(b"Connection: close", path=b"/slow?seconds=4", method=b"GET"))
    assert answer.endswith(b'{"slept":4.0}')


async def test_requests_that_are_sent_ahead_are_answered_in_order(small: Program) -> None:
    ahead = b"".join(head(b"Content-Length: %d" % n) + b"x" * n for n in range(1, 5))
    async with small.connection() as (reader, writer):
        writer.write(head(path=b"/slow?seconds=2.5", method=b"GET") + ahead)
        answers = await reader.readuntil(b'{"length":4}')
    assert [answers.index(b'{"length":%d}' % n) for n in range(1, 5)] == sorted(
        answers.index(b'{"length":%d}' % n) for n in range(1, 5)
    )


async def test_whoever_does_not_read_an_answer_is_cut_off(small: Program) -> None:
    async with small.connection() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(head(path=b"/large", method=b"GET"))

        async def is_cut_off() -> bool:
            writer.write(b" ")
            return writer.transport.is_closing()

        await wait_until(is_cut_off, timeout=10, what="the connection being cut off")


async def test_connections_are_bounded_and_whoever_is_too_many_is_told(small: Program) -> None:
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(small.connection()) for _ in range(20)]
        for _, writer in others:
            writer.write(b"GET /health/live HTTP/1.1\r\n")
        reader, _ = await stack.enter_async_context(small.connection())
        assert problem(await reader.read()) == (503, "too-many-connections")
        _, first = others[0]
        first.write(b"\r\n")
        assert b" 200 " in await others[0][0].readline()

    async def is_open_again() -> bool:
        return b'{"length":3}' in await small.ask(head(b"Content-Length: 3", b"Connection: close") + b"abc")

    await wait_until(is_open_again)


async def test_what_all_bodies_hold_is_bounded(small: Program) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(6):
            _, writer = await stack.enter_async_context(small.connection())
            writer.write(head(b"Transfer-Encoding: chunked"))
        answer = await small.ask(head(b"Content-Length: 9000000", b"Connection: close"))
        assert problem(answer) == (503, "overloaded")
        assert b"\r\nretry-after: 1\r\n" in answer.lower()
        assert (await small.ask(head(b"Connection: close", path=b"/health/live", method=b"GET"))).startswith(b"HTTP/1.1 200")
    await is_well(small)


async def test_a_body_over_the_limit_is_refused_before_it_is_read(small: Program) -> None:
    async with small.connection() as (reader, writer):
        writer.write(head(b"Content-Length: 999999999"))
        assert b" 413 " in await reader.readline()
