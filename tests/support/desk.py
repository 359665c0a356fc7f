"""The router alone, fed with classified messages as the classifier would publish them."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from services.router.app import create_app
from services.router.settings import RouterSettings
from shared import clock, ids
from shared.errors import Transient
from shared.events import messages
from shared.events.catalog import CLASSIFIED, topics
from shared.events.envelope import Event, from_record, to_record
from shared.http.auth import Key, KeyFile, Role, digest
from shared.log import open_log
from shared.log.port import Log
from shared.pack.load import load_pack
from shared.pack.model import Pack
from shared.testing.wait import wait_until

PACK = Path("packs/qingting")
_ROLES: dict[str, Role] = {"operator": "operator", "channel": "channel"}
_CATEGORY = "housing.property.service"


def message(**fields: Any) -> dict[str, Any]:
    """A message as it leaves intake: about estates in Luzhou district, unless told otherwise."""
    given: dict[str, Any] = {"id": ids.new_id(), "channel": "hotline", "text": "桂花苑小区物业不打扫卫生"}
    given |= {"received_at": clock.timestamp(), "place": {"region": "990105"}, **fields}
    return messages.Message.model_validate(given).model_dump(mode="json")


def classification(**fields: Any) -> dict[str, Any]:
    """What the classifier says about it."""
    given = {"category": _CATEGORY, "kind": "complaint", "probability": 0.9, "model_version": "1", **fields}
    return messages.Classification.model_validate(given).model_dump(mode="json")


def classified(about: dict[str, Any], **fields: Any) -> Event:
    """The classifier's event about a message; the same event for the same revision."""
    return Event(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{about['id']}/{about['revision']}")), type=messages.CLASSIFIED,
        source="/services/classifier", subject=about["id"], time=clock.timestamp(),
        data={"message": about, "classification": classification(**fields)},
    )  # fmt: skip


@dataclass
class Bench:
    """A running router, a client for it, and the log it works on."""

    settings: RouterSettings
    client: httpx.AsyncClient
    log: Log
    app: Any

    def key(self, name: str) -> dict[str, str]:
        """Headers with a key: `operator`, `channel`, or a department's code."""
        return {"Authorization": f"Bearer secret of {name}"}

    async def publish(self, *events: Event) -> None:
        """Put events on the classifier's topic."""
        await self.log.publish([to_record(event, CLASSIFIED) for event in events])

    async def get(self, path: str, key: str = "operator", **query: Any) -> httpx.Response:
        """Ask."""
        return await self.client.get(f"/v1{path}", headers=self.key(key), params=query)

    async def act(self, ref: str, act: str, body: Any = None, *, key: str = "operator", **headers: str) -> httpx.Response:
        """Do something to a case."""
        return await self.client.post(f"/v1/cases/{ref}/{act}", json=body, headers=self.key(key) | headers)

    async def opened(self, about: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Publish a message, and the case it has got."""
        await self.publish(classified(about, **fields))
        return await self.case(about)

    async def case(self, about: dict[str, Any]) -> dict[str, Any]:
        """The case of this message, once it is there."""
        case_id = ids.case_id(about["id"])

        async def found() -> bool:
            return (await self.get(f"/cases/{case_id}")).status_code == 200

        await wait_until(found, what=f"case {case_id}")
        answer = await self.get(f"/cases/{case_id}")
        body: dict[str, Any] = answer.json()
        return body

    async def handled(self) -> None:
        """Return once everything that was published to the router has been handled, repeats and all."""

        async def caught_up() -> bool:
            lag = await self.log.lag("router", [CLASSIFIED])
            return all(partition.committed >= partition.end for partition in lag.values())

        await wait_until(caught_up, what="the router at the end of its topic")

    async def feed(self, department: str, least: int, **query: Any) -> list[dict[str, Any]]:
        """A department's events, once there are so many."""

        async def arrived() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await self.get(f"/departments/{department}/events", department, **query)).json()[
                "items"
            ]
            return items if len(items) >= least else []

        return await wait_until(arrived, what=f"{least} events of {department}")

    async def events(self, topic: str, least: int) -> list[Event]:
        """Everything on a topic, from its beginning, once there is so much."""
        found: list[Event] = []
        async with self.log.subscribe(f"reader-{ids.new_id()}", [topic]) as consumer:

            async def arrived() -> bool:
                found.extend(from_record(record) for record in await consumer.poll(500, 0.05))
                return len(found) >= least

            await wait_until(arrived, what=f"{least} records on {topic}")
        return found


def settings_in(folder: Path, **fields: Any) -> RouterSettings:
    """Settings of a router in the one-machine home."""
    where = {"data": folder, "log": f"sqlite:////{folder}/log.db", "store": f"sqlite:////{folder}/", "pack": PACK}
    return RouterSettings(**{**where, **fields})


@asynccontextmanager
async def running_router(settings: RouterSettings) -> AsyncIterator[Bench]:
    """Start a router as its process would, and stop it. Every department has a key."""
    codes = _pack(settings.pack).department_by_code
    keys = [Key(name, _ROLES.get(name, "department"), digest(f"secret of {name}"), (name,)) for name in (*_ROLES, *codes)]
    KeyFile(settings.keys_file).write(keys)
    app = create_app(settings)
    log = open_log(settings.log_url)
    with suppress(Transient):  # a test may take the log away
        await make_topics(log)
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://router.test") as client:
        try:
            yield Bench(settings, client, log, app)
        finally:
            await log.close()


async def make_topics(log: Log) -> None:
    """The topics of the shipped pack, before any service runs."""
    await log.apply_topics(topics(one.code for one in _pack(PACK).departments))


_pack: Callable[[Path], Pack] = cache(load_pack)
"""A pack does not change, and reading one takes a tenth of a second."""
