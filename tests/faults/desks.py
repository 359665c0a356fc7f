"""Departments and the operators' desk: they accept, resolve and return cases while the system is broken, and repeat what got no answer."""

import asyncio
import random
from typing import Any

import httpx

from shared.events.cases import ROUTED
from shared.runtime import wait_for
from tests.faults.fleet import Fleet
from tests.faults.ledger import Act, Ledger

_PAUSE = 0.2
_PAGE = 30


class Desks:
    """People who work on what lies there, as long as the context is open."""

    def __init__(self, fleet: Fleet, ledger: Ledger, *, seed: object, share: float = 0.3) -> None:
        self._fleet, self._ledger, self._share = fleet, ledger, share
        self._chance = random.Random(f"desks {seed}")
        self._stop = asyncio.Event()
        self._never = asyncio.Event()
        self._read: dict[str, str] = {}
        """How far each department has read its change feed."""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Desks":
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        if self._task:
            await self._task

    async def _work(self) -> None:
        while not self._stop.is_set():
            department = self._chance.choice(self._fleet.departments)
            for ref in await self._new_cases(department):
                await self._handle(ref, department)
            await wait_for(self._stop, _PAUSE)

    async def _new_cases(self, department: str) -> list[str]:
        """The share of the cases which its feed tells next that somebody works on."""
        where = {"after": self._read[department]} if department in self._read else {}
        try:
            told = await self._fleet.get(self._router(), f"/v1/departments/{department}/events", limit=_PAGE, **where)
        except (httpx.HTTPError, OSError):
            return []
        self._read[department] = told["cursor"]
        routed = [item["event"]["subject"] for item in told["items"] if item["event"]["type"] == ROUTED]
        return [ref for ref in routed if self._chance.random() < self._share]

    async def _handle(self, ref: str, department: str) -> None:
        """Accept, then resolve or give back; what is given back goes to another department."""
        await self._act(ref, "accept", {}, department)
        if self._chance.random() < 0.5:
            await self._act(ref, "resolve", {"reply": "已办理。"}, department)
        elif await self._act(ref, "return", {"reason": "不属于本单位职责"}, department):
            await self._act(ref, "decide", {"decision": "department", "department": "city-hotline"}, "operator")

    async def _act(self, ref: str, name: str, body: dict[str, Any], key: str) -> bool:
        """Until it is answered, with the same key, as long as the day lasts."""
        headers = {"Idempotency-Key": f"{name} {self._chance.getrandbits(64):x}"}
        while True:
            try:
                answer = await self._fleet.ask(
                    "POST", self._router(), f"/v1/cases/{ref}/{name}", key=key, json=body, headers=headers
                )
                if answer.status_code == 200:
                    self._ledger.acts.append(Act(ref, name))
                    return True
                if answer.status_code < 429 and not answer.json()["type"].endswith(":busy"):
                    return False  # somebody else was faster
            except (httpx.HTTPError, OSError):
                pass
            await wait_for(self._never, _PAUSE)

    def _router(self) -> str:
        return self._chance.choice(self._fleet.copies("router") or ["router"])
