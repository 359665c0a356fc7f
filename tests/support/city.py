"""A whole city in one process: the three services on a real log and a real store, spoken to over HTTP."""

import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from shared.http.auth import KeyFile, Role
from shared.testing.wait import wait_until

PACK = Path("packs/qingting")
KEYS: dict[str, tuple[Role, tuple[str, ...], bool]] = {
    "hotline": ("channel", ("hotline",), False),
    "all-channels": ("channel", (), False),
    "test-channel": ("channel", (), True),
    "operator": ("operator", (), False),
}


@dataclass
class Home:
    """Where a city lives."""

    data: Path
    log: str
    store: str
    model: Path

    def settings(self) -> dict[str, Any]:
        """What every service's settings have in common."""
        return {"data": self.data, "log": self.log, "store": self.store, "pack": PACK}


class City:
    """The services' clients, and a key for each role."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._keys = KeyFile(home.data / "keys.json")
        self._secrets: dict[str, str] = {}
        self.apps: dict[str, FastAPI] = {}
        self.intake = self.classifier = self.router = httpx.AsyncClient()

    def key(self, name: str) -> dict[str, str]:
        """Headers with this key; a department's key is made when it is first asked for."""
        if name not in self._secrets:
            role, scope, test = KEYS.get(name, ("department", (name,), False))
            self._secrets[name] = self._keys.add(name, role, scope=scope, test=test)
        return {"Authorization": f"Bearer {self._secrets[name]}"}

    async def post(self, text: str, *, key: str = "all-channels", channel: str = "hotline", **fields: Any) -> dict[str, Any]:
        """Post one message as a channel would; the 202's body."""
        answer = await self.intake.post("/v1/messages", json={"text": text, "channel": channel, **fields}, headers=self.key(key))
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def track(self, code: str) -> dict[str, Any]:
        """What the citizen sees."""
        answer = await self.intake.get(f"/v1/track/{code}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def settled(self, posted: dict[str, Any], *, status: str | None = None) -> dict[str, Any]:
        """The tracking answer once the message has left `received` (or has reached `status`)."""
        seen: dict[str, Any] = {}

        async def is_settled() -> bool:
            seen.update(await self.track(posted["tracking_code"]))
            return seen["status"] == status if status else seen["status"] != "received"

        await wait_until(is_settled, timeout=30)
        return seen

    async def case(self, number: str) -> dict[str, Any]:
        """A case as an operator sees it."""
        answer = await self.router.get(f"/v1/cases/{number}", headers=self.key("operator"))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def act(self, number: str, act: str, body: dict[str, Any], *, key: str, **headers: str) -> httpx.Response:
        """Act on a case."""
        return await self.router.post(f"/v1/cases/{number}/{act}", json=body, headers=self.key(key) | headers)


@asynccontextmanager
async def running_city(home: Home, services: Sequence[str] = ("intake", "classifier", "router")) -> AsyncIterator[City]:
    """Start these services, and stop them as a process would."""
    city = City(home)
    home.data.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        for name in services:
            app = city.apps[name] = _app(name, home)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app=app)
            client = httpx.AsyncClient(transport=transport, base_url=f"http://{name}.test", timeout=30)
            setattr(city, name, await stack.enter_async_context(client))
        yield city


def _app(name: str, home: Home) -> FastAPI:
    """The service's app; imported here, so that a suite for one service needs no other."""
    app = importlib.import_module(f"services.{name}.app")
    settings = getattr(importlib.import_module(f"services.{name}.settings"), f"{name.title()}Settings")
    extra = {"model": home.model} if name == "classifier" else {}
    made: FastAPI = app.create_app(settings(**home.settings(), **extra))
    return made
