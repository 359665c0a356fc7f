"""`yijian account --repair`: messages that have no case are published again, and watched until they have one."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import clock, ids
from shared.settings import HomeSettings
from tools.access import service_url
from tools.client import Client
from tools.posting import statuses_of

_PART = 500
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Repair:
    """What came of it."""

    found: int
    republished: int
    left: tuple[str, ...]
    """Ids that have no case yet."""

    def words(self) -> str:
        """In a sentence."""
        if not self.found:
            return "No message is known to be without a case."
        left = f"; {len(self.left):,} have none yet: {', '.join(self.left[:20])}" if self.left else ""
        mended = self.found - len(self.left)
        return f"{self.found:,} without a case, {self.republished:,} published again, {mended:,} have one now{left}"


async def repair(settings: HomeSettings, secret: str | None, *, wait: float) -> Repair:
    """Find, publish again, wait up to so many seconds. Raises `Unanswered` or `Refused`."""
    async with (
        Client(service_url(settings, "intake"), secret) as intake,
        Client(service_url(settings, "router"), secret) as router,
    ):
        missing = await _missing(intake)
        answers = [await intake.post("/v1/messages:republish", {"ids": part}) for part in _parts(missing)]
        left = await _watched(intake, router, missing, wait)
        return Repair(len(missing), sum(answer["republished"] for answer in answers), tuple(left))


async def _missing(intake: Client) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await intake.get("/v1/audit/missing" + (f"?cursor={cursor}" if cursor else ""))
        found += page["ids"]
        if (cursor := page["cursor"]) is None:
            return list(dict.fromkeys(found))


async def _watched(intake: Client, router: Client, missing: Sequence[str], wait: float) -> list[str]:
    """Those that have no case in the end. Intake hears of a new case; one that was there all the time, the router has."""
    deadline, left = clock.monotonic() + wait, list(missing)
    while left and clock.monotonic() < deadline:
        left = [one for part in _parts(left) for one in await _without(intake, part)]
        if left:
            await clock.sleep(_LOOK_SECONDS)
    return [one for one in left if not await _has_case(router, one)]


async def _without(intake: Client, part: Sequence[str]) -> list[str]:
    standing = await statuses_of(intake, part)
    return [one for one in part if standing.get(one, {}).get("status", "received") == "received"]


async def _has_case(router: Client, message_id: str) -> bool:
    return (await router.send("GET", f"/v1/cases/{ids.case_id(message_id)}")).is_success


def _parts(whole: Sequence[str]) -> list[Sequence[str]]:
    return [whole[start : start + _PART] for start in range(0, len(whole), _PART)]
