"""Time. Nobody else calls `now()` or `sleep()`, so a test can move the clock and a story can be retold.

Wall time dates what people see; it never orders anything. `boottime` (CLOCK_BOOTTIME, seconds since this boot,
going on through suspend) measures leases between processes of one machine, and `boot_id` tells whether two readings
can be compared at all.
"""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from shared.errors import BadSettings
from shared.testmode import TEST_MODE

_TOLD = os.environ.get("YIJIAN_CLOCK_OFFSET", "") if TEST_MODE else ""


def now() -> datetime:
    """The wall clock, in UTC. In test mode `YIJIAN_CLOCK_OFFSET` is added: seconds, or `@` and a file that says them."""
    moment = datetime.now(UTC)
    return moment + timedelta(seconds=_offset()) if _TOLD else moment


def _offset() -> float:
    """Read at every look, so that a test can set a running process's clock back."""
    told = Path(_TOLD[1:]).read_text() if _TOLD.startswith("@") else _TOLD
    try:
        return float(told or 0)
    except ValueError:
        raise BadSettings(f"YIJIAN_CLOCK_OFFSET: {told!r} is no number of seconds") from None


def timestamp(moment: datetime | None = None) -> str:
    """A moment (default: now) as RFC 3339 in UTC with milliseconds: `2026-11-20T01:12:00.000Z`. Sorts as text."""
    return (moment or now()).astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def monotonic() -> float:
    """Seconds for measuring durations inside one process."""
    return time.monotonic()


def boottime() -> float:
    """Seconds since boot, comparable between the processes of one machine and unmoved by the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@cache
def boot_id() -> str:
    """This boot's identity; readings of `boottime` of another boot mean nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown-boot"


async def sleep(seconds: float) -> None:
    """Wait; cancellation ends it at once."""
    await asyncio.sleep(seconds)
