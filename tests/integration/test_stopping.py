"""How a real process stops."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.clock import monotonic
from shared.http.auth import KeyFile
from shared.testing.wait import wait_until
from tests.support.city import PACK
from tests.support.processes import Program, program


@asynccontextmanager
async def small(folder: Path, **settings: object) -> AsyncIterator[Program]:
    async with program("tests.support.small", folder, SMALL_SIGN=folder / "sign", **settings) as running:
        yield running


async def _slow(running: Program, folder: Path, seconds: float) -> "asyncio.Task[bytes]":
    """An answer that is being made."""
    request = f"GET /slow?seconds={seconds} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    task = asyncio.create_task(running.ask(request))
    await wait_until((folder / "sign").exists, what="the request being at work")
    return task


async def test_a_stop_accepts_nothing_more_answers_what_is_in_flight_and_exits_0(tmp_path: Path) -> None:
    async with small(tmp_path) as running:
        answer = await _slow(running, tmp_path, 1.5)
        running.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: _refuses(running), what="the port being closed")
        assert (await answer).endswith(b'{"slept":1.5}')
        assert await running.ended() == 0
        assert "stopped_at_once" not in running.said


async def _refuses(running: Program) -> bool:
    try:
        async with running.connection():
            return False
    except ConnectionRefusedError:
        return True


async def test_a_second_signal_ends_it_at_once_and_says_what_was_left(tmp_path: Path) -> None:
    async with small(tmp_path, YIJIAN_DRAIN_SECONDS=60) as running:
        answer = await _slow(running, tmp_path, 50)
        running.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: _refuses(running), what="the port being closed")
        started = monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 1
        assert monotonic() - started < 5
        last = json.loads(running.said.splitlines()[-1])
        assert (last["event"], last["why"], last["requests"], last["loops"]) == ("stopped_at_once", "second signal", 1, ["idle"])
        await asyncio.gather(answer, return_exceptions=True)


async def test_a_loop_that_does_not_end_is_named_and_cancelled_at_the_deadline(tmp_path: Path) -> None:
    async with small(tmp_path, YIJIAN_DRAIN_SECONDS=1, SMALL_STUBBORN=1) as running:
        started = monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert monotonic() - started < 5
        (line,) = [json.loads(line) for line in running.said.splitlines() if "loop_not_drained" in line]
        assert line["loop"] == "stubborn"


async def test_what_does_not_even_let_itself_be_cancelled_is_left_at_the_deadline(tmp_path: Path) -> None:
    async with small(tmp_path, YIJIAN_DRAIN_SECONDS=1, SMALL_STUBBORN="more") as running:
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 1
        last = json.loads(running.said.splitlines()[-1])
        assert (last["event"], last["why"], last["loops"]) == ("stopped_at_once", "deadline", ["stubborn"])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@asynccontextmanager
async def intake(folder: Path) -> AsyncIterator[tuple[Program, str]]:
    """Intake as a process, and a channel's key."""
    from tests.benchmarks.processes import free_port

    secret = KeyFile(folder / "keys.json").add("hotline", "channel", scope=["hotline"])
    port = free_port(4)
    where = {"YIJIAN_DATA": folder, "YIJIAN_PACK": PACK, "YIJIAN_PORT": port}
    async with program("services.intake", folder, port=port + 1, **where) as running:
        yield running, secret


def _post(secret: str, number: int) -> bytes:
    body = json.dumps({"text": f"第{number}盏路灯不亮"}).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\nContent-Length: {len(body)}\r\n"
    return (head + "Connection: close\r\n\r\n").encode() + body


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["a stop", "a kill"])
async def test_intakes_helper_ends_with_it(tmp_path: Path, how: signal.Signals) -> None:
    async with intake(tmp_path) as (running, secret):
        assert b" 202 " in await running.ask(_post(secret, 0))
        helpers = _children(running.process.pid)
        assert helpers
        running.process.send_signal(how)
        assert await running.ended() == (0 if how is signal.SIGTERM else -how)
        await wait_until(lambda: not any(map(_runs, helpers)), what="the helper's end")


async def test_a_stop_under_load_answers_every_request_that_it_took_and_exits_0(tmp_path: Path) -> None:
    async with intake(tmp_path) as (running, secret):
        asked = [asyncio.create_task(running.ask(_post(secret, number))) for number in range(200)]
        await wait_until(lambda: sum(task.done() for task in asked) > 20, what="some answers")
        os.kill(running.process.pid, signal.SIGTERM)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert await running.ended() == 0
        assert all(b" 202 " in one for one in answers if isinstance(one, bytes) and one)
        assert sum(isinstance(one, bytes) and b" 202 " in one for one in answers) > 20
