"""Readiness and liveness that tell the truth: each check by name, with its reason when it fails."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.errors import Transient

Check: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when all is well; raises with the reason when it is not."""
Status: TypeAlias = Literal["ok", "degraded", "failing"]
_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """A service's checks. A failing *vital* one means that it cannot do its job; another one only degrades it."""

    vital: Mapping[str, Check]
    others: Mapping[str, Check]
    beats: Mapping[str, Check]
    """One per loop: raises when the loop has stopped or makes no progress."""

    async def ready(self) -> tuple[Status, dict[str, str]]:
        """The status, and each check's finding: `ok` or why not."""
        findings = await _run({**self.vital, **self.others})
        if any(findings[name] != "ok" for name in self.vital):
            return "failing", findings
        return ("ok" if all(found == "ok" for found in findings.values()) else "degraded"), findings

    async def live(self) -> tuple[Status, dict[str, str]]:
        """Whether every loop makes progress."""
        findings = await _run(self.beats)
        return ("ok" if all(found == "ok" for found in findings.values()) else "failing"), findings


async def _run(checks: Mapping[str, Check]) -> dict[str, str]:
    findings = await asyncio.gather(*(_finding(check) for check in checks.values()))
    return dict(zip(checks, findings, strict=True))


async def _finding(check: Check) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT):
            await check()
    except TimeoutError:
        return f"no answer within {_TIMEOUT:g} s"
    except (Transient, RuntimeError, OSError) as error:
        return str(error) or type(error).__name__
    return "ok"
