"""Channel systems: they post, hang up, post again with the same key after a pause, and only stop when they have their 202."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import httpx
import orjson

from shared.runtime import wait_for
from tests.benchmarks.bodies import bodies
from tests.faults.fleet import Fleet, secret
from tests.faults.ledger import Ledger, Submission

_PAUSE = (0.1, 1.5)
_PATIENT = 3
"""After so many tries a client gives each the time it needs."""
_AMENDED = 0.08
_UNEXPLAINED = "unexplained"
_BEARER = {"Authorization": f"Bearer {secret('channel')}"}


class Channels:
    """`clients` connections that offer `rate` messages a second between them, as long as the context is open or until `limit`."""

    def __init__(
        self, fleet: Fleet, ledger: Ledger, *, seed: object, clients: int = 8, rate: float = 40, limit: int = 10**9
    ) -> None:
        self._fleet, self._ledger, self._limit = fleet, ledger, limit
        self._chance = random.Random(f"channels {seed}")
        self._bodies = bodies(f"{seed}", 10**6)
        self._clients, self._rate = clients, rate
        self._stop = asyncio.Event()
        self._never = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._http = httpx.AsyncClient(limits=httpx.Limits(max_connections=4 * clients), timeout=20)

    async def __aenter__(self) -> "Channels":
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.finish()

    async def finish(self) -> None:
        """Begin nothing new, and bring to its end what was begun."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
        await self._http.aclose()

    async def done(self) -> None:
        """Wait until the limit is reached and answered."""
        await asyncio.gather(*self._tasks)

    async def one(self) -> Submission:
        """Post one message now, and return it when it is answered."""
        parcel = self._parcel(1)
        await self._until_answered(parcel)
        return parcel[0]

    async def revised(self) -> Submission:
        """Post one message and a later revision of it."""
        (submission,) = parcel = [self._ledger.new(next(self._bodies), None)]
        await self._until_answered(parcel)
        await self._amend(submission)
        return submission

    async def _client(self) -> None:
        while not self._stop.is_set() and len(self._ledger.submissions) < self._limit:
            parcel = self._parcel(self._chance.choice((1, 1, 1, 1, 1, 1, 2, 5)))
            await self._until_answered(parcel)
            if self._chance.random() < _AMENDED:
                await self._amend(parcel[0])
            await wait_for(self._stop, len(parcel) * self._clients / self._rate * self._chance.uniform(0.5, 1.5))

    def _parcel(self, size: int) -> list[Submission]:
        """Known by external id, by key, or by both; a batch has external ids only."""
        parcel = [self._ledger.new(next(self._bodies), None) for _ in range(size)]
        known_by = self._chance.choice(("external", "key", "both")) if size == 1 else "external"
        if known_by != "external":
            parcel[0].key = f"key-{parcel[0].number}"
        if known_by == "key":
            parcel[0].body.pop("external_id")
        return parcel

    async def _amend(self, submission: Submission) -> None:
        if submission.message_id and "external_id" in submission.body:
            submission.body = submission.body | {"revision": 2, "text": submission.body["text"] + "（补充）"}
            submission.key = None  # it stands for the first body
            await self._until_answered([submission])

    async def _until_answered(self, parcel: Sequence[Submission]) -> None:
        waiting, pause, tries = list(parcel), _PAUSE[0], 0
        while waiting:
            try:
                waiting = await self._attempt(waiting, patient=tries >= _PATIENT)
            except (httpx.HTTPError, OSError) as error:
                for one in waiting:
                    one.note(f"no answer ({type(error).__name__})")
            if waiting:
                await wait_for(self._never, pause * self._chance.uniform(0.5, 1.0))
                pause, tries = min(pause * 2, _PAUSE[1]), tries + 1

    async def _attempt(self, parcel: list[Submission], *, patient: bool) -> list[Submission]:
        """Try once; those that have to be tried again."""
        name = self._chance.choice(self._fleet.copies("intake") or ["intake"])
        manner = 1.0 if patient else self._chance.random()
        if manner < 0.05:
            await self._hang_up(name, parcel)
            return parcel
        timeout = 0.02 if manner < 0.1 else 20
        if len(parcel) > 1:
            return await self._post_batch(name, parcel, timeout)
        return await self._post(name, parcel[0], timeout)

    async def _post(self, name: str, submission: Submission, timeout: float) -> list[Submission]:
        headers = _BEARER | ({"Idempotency-Key": submission.key} if submission.key else {})
        url = self._fleet.url(name) + "/v1/messages"
        answer = await self._http.post(url, content=orjson.dumps(submission.body), headers=headers, timeout=timeout)
        return list(_judged([submission], [answer.status_code], [_told(answer)]))

    async def _post_batch(self, name: str, parcel: list[Submission], timeout: float) -> list[Submission]:
        content = orjson.dumps([one.body for one in parcel])
        headers = _BEARER | {"content-type": "application/json"}
        url = self._fleet.url(name) + "/v1/messages:batch"
        answer = await self._http.post(url, content=content, headers=headers, timeout=timeout)
        if answer.status_code != 200:
            return list(_judged(parcel, [answer.status_code] * len(parcel), [_told(answer)] * len(parcel)))
        results = answer.json()["results"]
        told = [one if one["status"] == 202 else one["problem"] for one in results]
        return list(_judged(parcel, [one["status"] for one in results], told))

    async def _hang_up(self, name: str, parcel: list[Submission]) -> None:
        """The line drops in mid-body."""
        content = orjson.dumps(parcel[0].body)
        head = "".join(
            f"{field}: {value}\r\n" for field, value in (_BEARER | {"Host": "x", "Content-Length": str(len(content))}).items()
        )
        _, writer = await asyncio.open_connection(*self._fleet.address(name))
        writer.write(f"POST /v1/messages HTTP/1.1\r\n{head}\r\n".encode() + content[: len(content) // 2])
        with suppress(OSError):
            await writer.drain()
        writer.close()
        for one in parcel:
            one.note("hung up in mid-body")


def _told(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON; an answer that is none explains nothing, which is a breach."""
    try:
        told: dict[str, Any] = answer.json()
    except ValueError:
        return {"type": _UNEXPLAINED, "detail": answer.text[:200]}
    return told


def _judged(parcel: Sequence[Submission], statuses: Sequence[int], told: Sequence[dict[str, Any]]) -> Iterator[Submission]:
    """Note the answers; those to try again are: not now (429, 503), or another try of the same is under way (409)."""
    for one, status, answer in zip(parcel, statuses, told, strict=True):
        if status == 202:
            one.accepted(answer["id"], one.body.get("revision", 1))
            continue
        one.note(f"{status} {answer.get('type', '?').rpartition(':')[2]}")
        if answer.get("type") == _UNEXPLAINED:
            one.unexplained = f"{status}, and no problem: {answer['detail']!r}"
        if status in {409, 429, 500, 502, 503, 504}:
            yield one
        else:
            one.refused = f"{status} {answer.get('detail')}"
