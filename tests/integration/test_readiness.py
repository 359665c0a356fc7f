"""What real processes say of themselves: whether they can do their job now, and why not."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.ports import OFFSETS
from shared.events.catalog import CLASSIFIED, MESSAGES
from shared.events.envelope import Event, to_record
from shared.http.auth import KeyFile
from shared.log import open_log
from shared.testing.wait import wait_until
from tests.benchmarks.processes import free_port
from tests.support.city import PACK
from tests.support.processes import Program, program

AT = "2026-11-20T01:12:00Z"


@asynccontextmanager
async def service(name: str, folder: Path, *, ready: bool = True, **settings: object) -> AsyncIterator[Program]:
    port = free_port(4)
    where = {"YIJIAN_DATA": folder, "YIJIAN_PACK": PACK, "YIJIAN_PORT": port, **settings}
    async with program(f"services.{name}", folder, port=port + OFFSETS[name], ready=ready, **where) as running:
        yield running


async def health(running: Program, kind: str = "ready") -> tuple[int, dict[str, Any]]:
    answer = await running.ask(f"GET /health/{kind} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def junk(folder: Path, topic: str) -> None:
    """Enough that no loop would go on."""
    log = open_log(f"sqlite:////{folder}/log.db")
    await log.publish([to_record(Event(f"e{n}", "com.example.junk", "/x", f"k{n}", AT, {}, 1), topic) for n in range(60)])
    await log.close()


async def becomes(running: Program, status: int, name: str, check: str, words: str) -> None:
    seen: list[object] = []

    async def so() -> bool:
        code, found = await health(running)
        seen[:] = [code, found]
        return code == status and found["status"] == name and words in found["checks"][check]

    try:
        await wait_until(so, timeout=30)
    except AssertionError:
        raise AssertionError(f"{check} should have said {words!r}: {seen}") from None


async def test_a_classifier_whose_loop_has_stopped_itself_is_not_ready(tmp_path: Path, model: Path) -> None:
    async with service("classifier", tmp_path, YIJIAN_MODEL=model) as running:
        assert (await health(running))[1]["status"] == "ok"
        await junk(tmp_path, MESSAGES)
        await becomes(running, 503, "failing", "loop", "most records cannot be handled")


async def test_a_router_whose_loop_has_stopped_itself_says_so_and_serves_departments_on(tmp_path: Path) -> None:
    async with service("router", tmp_path) as running:
        await junk(tmp_path, CLASSIFIED)
        await becomes(running, 200, "degraded", "router", "most records cannot be handled")


async def test_a_file_of_keys_that_cannot_be_read_is_told_and_the_keys_known_go_on_to_work(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    operator = keys.add("operator", "operator")
    asking = (
        f"GET /v1/cases?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {operator}\r\nConnection: close\r\n\r\n".encode()
    )
    stranger = asking.replace(operator.encode(), b"yj_operator_unknown")
    async with service("router", tmp_path) as running:
        assert b" 200 " in (await running.ask(asking))[:20]
        whole = keys.path.read_text()
        keys.path.write_text(whole[:-20])
        await becomes(running, 200, "degraded", "keys", "cannot be read")
        assert b" 200 " in (await running.ask(asking))[:20]
        assert b" 401 " in (await running.ask(stranger))[:20]
        keys.path.write_text(whole)
        await becomes(running, 200, "ok", "keys", "ok")


async def test_a_lost_model_is_told_before_a_restart_finds_out(tmp_path: Path, model: Path) -> None:
    own = tmp_path / "model"
    own.mkdir()
    for file in model.iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    async with service("classifier", tmp_path, YIJIAN_MODEL=own) as running:
        for file in own.iterdir():
            file.unlink()
        await becomes(running, 200, "degraded", "model_file", "yijian train")


async def test_a_store_that_cannot_be_prepared_is_said_and_taken_up_when_it_can(tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.write_text("a file where the store's folder should be")
    async with service("router", tmp_path, ready=False, YIJIAN_STORE=f"sqlite:///{away}/") as running:
        await becomes(running, 503, "failing", "store", "not prepared")
        away.unlink()
        await becomes(running, 200, "ok", "store", "ok")
        assert (await health(running, "live"))[0] == 200


async def test_a_classifier_with_the_store_away_waits_and_says_so(tmp_path: Path, model: Path) -> None:
    away = tmp_path / "away"
    away.write_text("a file where the store's folder should be")
    async with service("classifier", tmp_path, YIJIAN_MODEL=model, YIJIAN_STORE=f"sqlite:///{away}/") as running:
        await becomes(running, 200, "degraded", "store", "not prepared")
        away.unlink()
        await becomes(running, 200, "ok", "store", "ok")
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.ended() == 0
