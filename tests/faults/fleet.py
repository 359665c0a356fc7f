"""The services as real processes: started, watched and started again as on one machine, killed as nothing else would."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from deploy.local import ports
from deploy.local.child import Child, Program
from deploy.local.logfile import LogFile
from shared.http.auth import Key, KeyFile, digest
from shared.pack.load import load_pack
from shared.testing.wait import wait_until
from tests.faults.homes import Home
from tests.support.city import PACK
from tests.support.kafka_server import free_ports

SERVICES = ("intake", "classifier", "router")
_HOST = "127.0.0.1"
_BACK_OFF = (0.1, 1.0)
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Fleet:
    """`names`: `intake`, `router-2` (a second copy) and so on. All share a folder, a log and a store."""

    def __init__(self, home: Home, model: Path, names: Iterable[str] = SERVICES, **environment: str) -> None:
        self.home, self.names, self._environment = home, tuple(names), environment
        self.folder, self._model = home.folder, model
        self.said: list[str] = []
        """What happened to the processes, in the words of who watches them."""
        self._ports = {name: free_ports(1)[0] for name in self.names}
        self._children: dict[str, Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.departments = tuple(load_pack(PACK).department_by_code)
        self._http = httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=200))
        self._prepare()

    async def start(self, *names: str) -> None:
        """Start these, or all; `ready` says when they serve."""
        for name in names or self.names:
            child = Child(self._program(name), LogFile(self.folder / "log" / f"{name}.log"), self.said.append, _BACK_OFF)
            self._children[name] = child
            self._tasks[name] = asyncio.create_task(child.run(), name=name)

    async def ready(self, *names: str) -> None:
        """Wait until these, or all, are ready."""
        for name in names or self.names:
            await wait_until(lambda name=name: self._is_ready(name), timeout=60, what=f"{name} being ready")

    async def stop(self, *names: str) -> None:
        """Stop these, or all, and do not start them again."""
        names = names or tuple(self._children)
        for name in names:
            self._children[name].terminate()
        _, late = await asyncio.wait([self._tasks[name] for name in names], timeout=25)
        for task in late:
            self._children[task.get_name()].kill()
        await asyncio.gather(*(self._tasks[name] for name in names))

    async def close(self) -> None:
        """Stop all, and close the clients."""
        if self._children:
            await self.stop()
        await self._http.aclose()

    async def remove(self, name: str) -> None:
        """`kill -9`, and this copy stays dead."""
        self._children[name].kill()
        await self._tasks[name]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End the process (`kill -9` by default); it is started again as after any death."""
        if pid := self.pid(name):
            os.kill(pid, how)

    def pid(self, name: str) -> int | None:
        """The process, if there is one now."""
        child = self._children.get(name)
        return child.pid if child else None

    def starts(self, name: str) -> int:
        """How often it was started."""
        return self._children[name].starts

    def helper(self, name: str = "intake") -> int | None:
        """The process beside an intake that makes its documents, and in the one-machine home writes them."""
        pid = self.pid(name)
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if pid else []
        return int(found[0]) if found else None

    def arm(self, name: str, faults: str) -> None:
        """Turn failpoints of this service (and its helper) on; an empty text turns them off."""
        path = self._points(name)
        fresh = path.with_suffix(".new")
        fresh.write_text(faults)
        fresh.replace(path)

    def armed(self, name: str) -> bool:
        """Whether a failpoint waits there for somebody to pass."""
        return bool(self._points(name).read_text())

    def set_clock(self, seconds: float) -> None:
        """Everybody's wall clock is off by so much from now on."""
        (self.folder / "clock").write_text(f"{seconds}")

    def fill_disk(self, name: str) -> None:
        """No file may grow for this process (and its helper) any more, as on a full disk."""
        self._limit_files(name, (1, resource.RLIM_INFINITY))

    def free_disk(self, name: str) -> None:
        """There is room again."""
        self._limit_files(name, _UNLIMITED)

    def _limit_files(self, name: str, limit: tuple[int, int]) -> None:
        for pid in (self.pid(name), self.helper(name) if name.startswith("intake") else None):
            if pid:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)

    def url(self, name: str) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self._ports[name]}"

    def address(self, name: str) -> tuple[str, int]:
        """Host and port."""
        return _HOST, self._ports[name]

    def copies(self, service: str) -> list[str]:
        """The names of a service's copies that run."""
        return [name for name in self.names if name.partition("-")[0] == service and self.pid(name)]

    async def ask(self, method: str, name: str, path: str, *, key: str = "operator", **given: Any) -> httpx.Response:
        """A request with a key: `channel`, `operator` or a department's code."""
        headers = {"Authorization": f"Bearer {secret(key)}"} | given.pop("headers", {})
        return await self._http.request(method, self.url(name) + path, headers=headers, **given)

    async def get(self, name: str, path: str, **query: Any) -> Any:
        """The JSON answer to an operator's question."""
        answer = await self.ask("GET", name, path, params=query)
        answer.raise_for_status()
        return answer.json()

    def _prepare(self) -> None:
        (self.folder / "points").mkdir(parents=True, exist_ok=True)
        for name in self.names:
            self.arm(name, "")
        self.set_clock(0)
        keys = [Key("channel", "channel", digest(secret("channel"))), Key("operator", "operator", digest(secret("operator")))]
        keys += [Key(code, "department", digest(secret(code)), (code,)) for code in self.departments]
        KeyFile(self.folder / "keys.json").write(keys)

    def _points(self, name: str) -> Path:
        return self.folder / "points" / name

    def _program(self, name: str) -> Program:
        service = name.partition("-")[0]
        told = {
            "TEST_MODE": 1, "DATA": self.folder, "LOG": self.home.log, "STORE": self.home.store, "PACK": PACK,
            "MODEL": self._model, "PORT": self._ports[name] - ports.OFFSETS[service], "LOG_LEVEL": "info",
            "FAILPOINT": f"@{self._points(name)}", "CLOCK_OFFSET": f"@{self.folder / 'clock'}",
            "RECONCILE_AFTER": 10 if self.home.kind == "one-machine" else 30, "TELL_AGAIN_AFTER": 30 if self.home.kind == "one-machine" else 600,
        }  # fmt: skip
        environment = {f"YIJIAN_{name}": str(value) for name, value in told.items()} | self._environment
        return Program(name, (sys.executable, "-m", f"services.{service}"), self._ports[name], environment)

    async def _is_ready(self, name: str) -> bool:
        return self.pid(name) is not None and await ports.is_ready(_HOST, self._ports[name])


def secret(name: str) -> str:
    """A key's secret in these trials."""
    return f"secret of {name}"
