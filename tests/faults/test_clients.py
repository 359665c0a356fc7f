"""Clients as they are: lines that drop in mid-body, answers that nobody waits for, the same thing said by many at once."""

import asyncio
from contextlib import suppress

import httpx
import orjson
import pytest

from tests.benchmarks.bodies import bodies
from tests.faults.fleet import secret
from tests.faults.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_a_body_that_breaks_off_is_nothing(small: Trial) -> None:
    """Nobody repeats these: there must be no message of them, not even half of one."""
    name, since = "clients that hang up in mid-body", len(small.ledger.submissions)

    async def broken_off() -> None:
        await asyncio.gather(*(_break_off(small, orjson.dumps(body)) for body in bodies("half", 40)))

    async with small.load(clients=6, rate=60) as channels:
        await small.suffer(name, broken_off, channels)
    await small.verify(name, since=since)


async def test_a_client_that_does_not_wait_for_its_answer_may_ask_again(small: Trial) -> None:
    name, since = "clients that wait 5 ms for an answer, then repeat", len(small.ledger.submissions)

    async def impatient() -> None:
        submissions = [small.ledger.new(body, f"impatient-{number}") for number, body in enumerate(bodies("impatient", 40))]
        async with httpx.AsyncClient() as client:
            for one in submissions:
                hasty = [_post(small, client, one.body, one.key or "", timeout=0.005) for _ in range(3)]
                await asyncio.gather(*hasty, return_exceptions=True)
                answer = await _post(small, client, one.body, one.key or "", timeout=20)
                one.accepted(answer.json()["id"], 1)

    async with small.load(clients=2, rate=10) as channels:
        await small.suffer(name, impatient, channels)
    await small.verify(name, since=since)


async def test_one_submission_said_by_ten_at_once_is_one(small: Trial) -> None:
    name, since = "ten connections with one submission", len(small.ledger.submissions)

    async def crowd() -> None:
        async with httpx.AsyncClient() as client:
            for number, body in enumerate(bodies("crowd", 20)):
                one = small.ledger.new(body, f"crowd-{number}")
                answers = await asyncio.gather(*(_post(small, client, body, one.key or "", timeout=20) for _ in range(10)))
                for answer in answers:
                    one.accepted(answer.json()["id"], 1)

    async with small.load(clients=2, rate=10) as channels:
        await small.suffer(name, crowd, channels)
    await small.verify(name, since=since)


async def _break_off(of: Trial, content: bytes) -> None:
    head = f"Host: x\r\nAuthorization: Bearer {secret('channel')}\r\nContent-Length: {len(content)}"
    _, writer = await asyncio.open_connection(*of.fleet.address("intake"))
    writer.write(f"POST /v1/messages HTTP/1.1\r\n{head}\r\n\r\n".encode() + content[:-1])  # all but the last byte
    with suppress(OSError):
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def _post(of: Trial, client: httpx.AsyncClient, body: object, key: str, *, timeout: float) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret('channel')}", "Idempotency-Key": key}
    url = of.fleet.url("intake") + "/v1/messages"
    return await client.post(url, content=orjson.dumps(body), headers=headers, timeout=timeout)
