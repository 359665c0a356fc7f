"""A trial: the system under load, faults, quiet, audit. What it found is written down for `docs/reliability.md`."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from shared.clock import monotonic
from shared.runtime import wait_for
from shared.testing.wait import wait_until
from tests.faults.audit import audit
from tests.faults.channels import Channels
from tests.faults.desks import Desks
from tests.faults.evidence import gather, quiet
from tests.faults.fleet import Fleet
from tests.faults.ledger import Ledger
from tests.faults.story import story

_SAMPLE = 300
_RECORD = "YIJIAN_FAULTS_RECORD"
"""A file to which every trial adds a line; the tables of `docs/reliability.md` are made of it."""


class Broken(AssertionError):
    """A promise was broken; the text is its story."""


@dataclass
class Trial:
    """One system and everything its clients know."""

    fleet: Fleet
    command: str
    ledger: Ledger = field(default_factory=Ledger)
    seed: object = 0
    _told: int = 0
    """Faults that were written down already."""

    @asynccontextmanager
    async def load(self, **how: Any) -> AsyncIterator[Channels]:
        """Channels and desks at work; leaving it, everything begun is brought to its end."""
        round_ = f"{self.seed}-{len(self.ledger.submissions)}"
        async with AsyncExitStack() as stack:
            channels = await stack.enter_async_context(Channels(self.fleet, self.ledger, seed=round_, **how))
            await stack.enter_async_context(Desks(self.fleet, self.ledger, seed=round_))
            yield channels

    async def flows(self, channels: Channels, timeout: float = 90) -> None:
        """Wait until a message that is posted now has its case."""
        submission = await channels.one()

        async def settled() -> bool:
            try:
                body = {"ids": [submission.message_id]}
                answer = await self.fleet.ask("POST", self.fleet.copies("intake")[0], "/v1/messages:status", json=body)
                stands = answer.json()["statuses"]
            except (httpx.HTTPError, OSError, LookupError, ValueError):
                return False
            return any(one["status"] != "received" for one in stands.values())

        await wait_until(settled, timeout=timeout, what=f"a case for message {submission.message_id}")

    async def suffer(self, name: str, fault: Callable[[], Awaitable[Any]], channels: Channels) -> None:
        """Inject a fault and wait until messages flow again; both are noted with their time."""
        noted = self.ledger.happened(name)
        began = monotonic()
        await fault()
        await self.flows(channels)
        noted.flowing_after = monotonic() - began

    async def verify(self, name: str, *, since: int = 0) -> None:
        """Wait for quiet, audit from outside, write down what was found. Raises `Broken` with the story."""
        await quiet(self.fleet)
        known = [one.message_id for one in self.ledger.submissions if one.message_id]
        evidence = await gather(self.fleet, known, known[since:][-_SAMPLE:])
        breaches = audit(self.ledger, evidence)
        _write_down(name, self, Counter(breach.kind for breach in breaches), since)
        if breaches:
            raise Broken("\n" + story(breaches, self.ledger, evidence, self.command))


@asynccontextmanager
async def trial(fleet: Fleet, command: str, seed: object = 0, *, start: bool = True) -> AsyncIterator[Trial]:
    """A running system; stopped at the end."""
    try:
        if start:
            await fleet.start()
            await fleet.ready()
        yield Trial(fleet, command, seed=seed)
    finally:
        await fleet.close()


async def lasting(seconds: float) -> None:
    """How long a fault lasts: the only waiting for a time in these trials."""
    await wait_for(asyncio.Event(), seconds)


def _write_down(name: str, of: Trial, breaches: Counter[str], since: int) -> None:
    if path := os.environ.get(_RECORD):
        part = Ledger(of.ledger.submissions[since:])
        faults, of._told = of.ledger.faults[of._told :], len(of.ledger.faults)
        flowing = [fault.flowing_after for fault in faults if fault.flowing_after is not None]
        line = {"fault": name, "home": of.fleet.home.kind, **part.figures(), **{kind: breaches[kind] for kind in _KINDS}}
        line |= {"seed": of.seed, "faults": len(faults), "flowing_after": [round(one, 2) for one in flowing]}
        with Path(path).open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")


_KINDS = ("lost", "doubled", "disorder", "account", "unexplained")
