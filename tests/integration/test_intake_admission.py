"""What intake's doors let in, and what they say to whom they do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.intake.app import create_app
from services.intake.settings import IntakeSettings
from shared.http.auth import KeyFile
from shared.testing.wait import wait_until
from tests.support.city import PACK


@asynccontextmanager
async def _door(folder: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Intake behind its edge; its state is in `client.headers`-free reach as `client.app`."""
    app = create_app(IntakeSettings(data=folder, pack=PACK, **{"preparer": False, **settings}))
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        client.gate = app.state.intake.gate  # type: ignore[attr-defined]
        yield client


def _key(folder: Path, name: str = "hotline", **limit: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {KeyFile(folder / 'keys.json').add(name, 'channel', scope=['hotline'], **limit)}"}


async def _post(client: httpx.AsyncClient, key: dict[str, str]) -> httpx.Response:
    return await client.post("/v1/messages", json={"text": "路灯不亮"}, headers=key)


async def _batch(client: httpx.AsyncClient, key: dict[str, str], count: int) -> httpx.Response:
    body = [{"text": f"第{number}盏路灯不亮"} for number in range(count)]
    return await client.post("/v1/messages:batch", json=body, headers=key)


async def test_every_answer_says_what_is_left_of_the_keys_limit(tmp_path: Path) -> None:
    key = _key(tmp_path, rate=0.01, burst=4)
    async with _door(tmp_path) as client:
        answers = [await _post(client, key), await client.post("/v1/messages", content=b"{", headers=key)]
        answers += [await client.post("/v1/messages:batch", content=b"[]", headers=key)]
        answers += [await _batch(client, key, 1), await _post(client, key)]
    assert [one.status_code for one in answers] == [202, 400, 400, 200, 429]
    assert {one.headers["ratelimit-policy"] for one in answers} == {'"messages";q=4;w=400'}
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in answers] == [
        f'"messages";r={left}' for left in (3, 2, 1, 0, 0)
    ]


async def test_a_key_that_sends_too_fast_is_told_when_to_come_again(tmp_path: Path) -> None:
    key = _key(tmp_path, rate=0.5, burst=1)
    async with _door(tmp_path) as client:
        await _post(client, key)
        refused = await _post(client, key)
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        assert refused.json()["type"] == "urn:yijian:problem:rate-limited"
        assert refused.json()["violated-policies"] == ["messages"]
        assert refused.headers["retry-after"] == "2"
        assert (await _post(client, _key(tmp_path, "another"))).status_code == 202


async def test_a_batch_counts_its_messages_and_one_larger_than_the_burst_is_taken_from_a_full_bucket(tmp_path: Path) -> None:
    key = _key(tmp_path, rate=0.01, burst=5)
    async with _door(tmp_path) as client:
        assert (await _batch(client, key, 3)).headers["ratelimit"].startswith('"messages";r=2;')
        assert (await _batch(client, key, 3)).status_code == 429
        assert (await _batch(client, key, 2)).status_code == 200
        other = _key(tmp_path, "other", rate=0.01, burst=5)
        assert (await _batch(client, other, 20)).json()["accepted"] == 20
        assert (await _post(client, other)).headers["retry-after"] == "1600"


async def test_a_batch_that_was_turned_away_has_used_nothing(tmp_path: Path) -> None:
    key = _key(tmp_path, rate=0.01, burst=5)
    async with _door(tmp_path) as client:
        await _post(client, key)
        assert (await _batch(client, key, 5)).status_code == 429
        assert (await _batch(client, key, 4)).status_code == 200


async def test_no_limit_is_said_where_there_is_none(tmp_path: Path) -> None:
    async with _door(tmp_path, key_rate=0) as client:
        assert "ratelimit" not in (await _post(client, _key(tmp_path))).headers


async def test_a_change_in_the_file_of_keys_changes_the_limit(tmp_path: Path) -> None:
    file, key = KeyFile(tmp_path / "keys.json"), _key(tmp_path, rate=0.01, burst=1)
    async with _door(tmp_path) as client:
        await _post(client, key)
        assert (await _post(client, key)).status_code == 429
        (entry,) = file.read()
        file.write([type(entry)(entry.name, entry.role, entry.digest, entry.scope, rate=100.0)])

        async def is_let_in() -> bool:
            return (await _post(client, key)).status_code == 202

        await wait_until(is_let_in)


async def _held(client: httpx.AsyncClient, key: dict[str, str], length: int, messages: list[asyncio.Task[Any]]) -> asyncio.Event:
    """A request that has said how long it is, and is sending still; it goes on when the event is set."""
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        await go_on.wait()
        yield b"x" * (length - 12) + b'"}'

    before = client.gate.octets  # type: ignore[attr-defined]
    headers = {**key, "Content-Length": str(length)}
    messages.append(asyncio.create_task(client.post("/v1/messages", content=body(), headers=headers)))
    await wait_until(lambda: client.gate.octets > before)  # type: ignore[attr-defined]
    return go_on


async def test_what_is_in_flight_is_bounded_and_another_key_finds_room(tmp_path: Path) -> None:
    noisy, hotline = _key(tmp_path, "noisy"), _key(tmp_path)
    running: list[asyncio.Task[Any]] = []
    async with _door(tmp_path, in_flight_bytes=20 * 2**20) as client:
        go_on = await _held(client, noisy, 10 * 2**20, running)
        refused = await client.post("/v1/messages", json={"text": "路灯不亮"}, headers=noisy)
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:yijian:problem:too-much-at-once")
        assert (await _post(client, hotline)).status_code == 202

        go_on_too = await _held(client, _key(tmp_path, "third"), 10 * 2**20, running)
        full = await _post(client, hotline)
        assert (full.status_code, full.json()["type"]) == (503, "urn:yijian:problem:overloaded")
        assert int(full.headers["retry-after"]) > 0
        go_on.set()
        go_on_too.set()
        await asyncio.gather(*running)
        assert (client.gate.messages, client.gate.octets) == (0, 0)  # type: ignore[attr-defined]
        assert (await _post(client, hotline)).status_code == 202


async def test_a_body_without_a_length_is_counted_as_it_arrives(tmp_path: Path) -> None:
    noisy, running = _key(tmp_path, "noisy"), list[asyncio.Task[Any]]()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 2**20

    async with _door(tmp_path, in_flight_bytes=20 * 2**20) as client:
        go_on = await _held(client, noisy, 5 * 2**20, running)
        refused = await client.post("/v1/messages", content=endless(), headers=noisy)
        assert refused.status_code == 429
        go_on.set()
        await asyncio.gather(*running)
        assert client.gate.octets == 0  # type: ignore[attr-defined]


async def test_a_capped_throughput_turns_the_rest_away(tmp_path: Path) -> None:
    key = _key(tmp_path)
    async with _door(tmp_path, intake_rate=1) as client:
        answers = [await _post(client, key) for _ in range(10)]
    assert 1 <= sum(one.status_code == 202 for one in answers) <= 4
    assert {one.status_code for one in answers} == {202, 503}
    assert all("retry-after" in one.headers for one in answers if one.status_code == 503)
