"""Test mode (`YIJIAN_TEST_MODE=1`): the only one in which a process may be told to fail, to misread the clock, to skip fsync."""

import os

from shared.errors import BadSettings

TEST_MODE = os.environ.get("YIJIAN_TEST_MODE", "") not in {"", "0", "false"}
ONLY_IN_TEST_MODE = ("YIJIAN_FAILPOINT", "YIJIAN_CLOCK_OFFSET", "YIJIAN_SYNCHRONOUS")


def refuse_outside_test_mode() -> None:
    """Raise `BadSettings` when a variable is set that only test mode may have: ignored, it would promise what does not happen."""
    found = [] if TEST_MODE else [name for name in ONLY_IN_TEST_MODE if os.environ.get(name)]
    if found:
        raise BadSettings(
            f"{' and '.join(found)} would break this service on purpose and counts in test mode only: "
            "take it away, or set YIJIAN_TEST_MODE=1 where no real message is"
        )


def synchronous(usual: str) -> str:
    """How hard SQLite's commits are: `YIJIAN_SYNCHRONOUS=OFF` measures in test mode what fsync costs."""
    return os.environ.get("YIJIAN_SYNCHRONOUS", usual) if TEST_MODE else usual
