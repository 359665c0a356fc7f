"""Named points at which a test may kill, fail or slow a process: `await failpoint("intake.stored")`.

Off, a point costs a look at a global. `YIJIAN_FAILPOINT` turns points on, in test mode only:

    intake.stored=kill@3                        kill -9 at the third time this process comes by
    outbox.publish=delay:0.5;outbox.publish=error   one after the other: wait, then raise as an unreachable dependency does
    store.commit=disk-full                      the error of a full disk
    @/tmp/point                                 what this file says now; who has killed or failed empties it, so it happens once

Without `@N` a point of the variable acts every time.
"""

import errno
import os
import re
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

from shared import clock
from shared.errors import BadSettings, Transient
from shared.testmode import refuse_outside_test_mode

_SPEC = re.compile(r"(?P<name>[a-z.-]+)=(?P<action>kill|error|disk-full|delay:(?P<seconds>\d+(?:\.\d+)?))(?:@(?P<at>[1-9]\d*))?")
_NEVER = threading.Event()


class InjectedFault(Transient):
    """A test made this point fail."""

    slug = "injected-fault"


@dataclass(slots=True)
class _Fault:
    """What happens at a point, and at which of its passings (None: at each)."""

    name: str
    action: str
    seconds: float = 0.0
    at: int | None = None
    passed: int = 0

    def due(self) -> bool:
        """Count a passing; whether it is the one."""
        self.passed += 1
        return self.at is None or self.passed == self.at


@dataclass(slots=True)
class _Plan:
    """The faults of this process, or the file that tells them."""

    told: str
    faults: list[_Fault] = field(default_factory=list)
    stamp: tuple[int, int] | None = None

    def at(self, name: str) -> list[_Fault]:
        """What is due at this point now."""
        if self.told.startswith("@"):
            self._read(Path(self.told[1:]))
        return [fault for fault in self.faults if fault.name == name and fault.due()]

    def spent(self) -> None:
        """A fault of the file happens once, however many processes read it."""
        if self.told.startswith("@"):
            Path(self.told[1:]).write_text("")

    def _read(self, path: Path) -> None:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self.stamp:
                self.faults, self.stamp = parse(path.read_text()), stamp
        except FileNotFoundError:
            self.faults, self.stamp = [], None


def parse(text: str) -> list[_Fault]:
    """The faults that a text asks for. Raises `BadSettings` naming the part that says nothing."""
    return [_parsed(part.strip()) for part in text.split(";") if part.strip()]


def _parsed(part: str) -> _Fault:
    found = _SPEC.fullmatch(part)
    if found is None:
        raise BadSettings(
            f"YIJIAN_FAILPOINT: {part!r} is not name=kill, =error, =disk-full or =delay:SECONDS, with or without @N"
        )
    at = int(found["at"]) if found["at"] else None
    return _Fault(found["name"], found["action"].partition(":")[0], float(found["seconds"] or 0), at)


_plan: _Plan | None = None


def arm() -> None:
    """Take up what `YIJIAN_FAILPOINT` asks for; every process that has points calls it at its start. Raises `BadSettings`."""
    global _plan  # noqa: PLW0603 - one process, one plan
    refuse_outside_test_mode()
    told = os.environ.get("YIJIAN_FAILPOINT", "")
    _plan = _Plan(told, [] if told.startswith("@") else parse(told)) if told else None


async def failpoint(name: str) -> None:
    """This point, on the event loop."""
    if _plan is not None:
        for fault in _plan.at(name):
            if fault.action == "delay":
                await clock.sleep(fault.seconds)
            else:
                _strike(_plan, fault)


def failpoint_in_thread(name: str) -> None:
    """This point, where waiting blocks: in a thread, or in a process that does nothing else."""
    if _plan is not None:
        for fault in _plan.at(name):
            if fault.action == "delay":
                _NEVER.wait(fault.seconds)
            else:
                _strike(_plan, fault)


def _strike(plan: _Plan, fault: _Fault) -> None:
    plan.spent()
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "disk-full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise InjectedFault(f"the failpoint {fault.name}")
