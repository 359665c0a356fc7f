"""What a process may be told to do to itself, and that nobody can tell it outside test mode."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared import failpoints
from shared.errors import BadSettings

_ARMED = """
import asyncio
from shared import clock, failpoints
failpoints.arm()
async def main():
    for number in range(4):
        try:
            await failpoints.failpoint("intake.stored")
            print(number, flush=True)
        except Exception as error:
            print(type(error).__name__, flush=True)
asyncio.run(main())
"""


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("YIJIAN_")}
    return subprocess.run(
        [sys.executable, "-c", program], env=given | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_point_kills_at_the_passing_it_names() -> None:
    ended = run(_ARMED, YIJIAN_TEST_MODE="1", YIJIAN_FAILPOINT="intake.stored=kill@3")
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["0", "1"]


def test_a_point_fails_as_a_dependency_or_as_a_full_disk_does() -> None:
    ended = run(_ARMED, YIJIAN_TEST_MODE="1", YIJIAN_FAILPOINT="intake.stored=error@1;intake.stored=disk-full@2;other=kill")
    assert ended.stdout.split() == ["InjectedFault", "OSError", "2", "3"]


def test_a_fault_in_a_file_happens_once(tmp_path: Path) -> None:
    """A process that is started again must not die of it again."""
    told = tmp_path / "point"
    told.write_text("intake.stored=kill")
    first = run(_ARMED, YIJIAN_TEST_MODE="1", YIJIAN_FAILPOINT=f"@{told}")
    second = run(_ARMED, YIJIAN_TEST_MODE="1", YIJIAN_FAILPOINT=f"@{told}")
    assert (first.returncode, second.returncode) == (-signal.SIGKILL, 0)


@pytest.mark.parametrize("service", ["intake", "classifier", "router"])
@pytest.mark.parametrize("name", ["YIJIAN_FAILPOINT", "YIJIAN_CLOCK_OFFSET", "YIJIAN_SYNCHRONOUS"])
def test_a_service_refuses_to_start_with_such_a_variable_outside_test_mode(service: str, name: str) -> None:
    """Ignored, it would promise a trial that does not happen; obeyed, it would break a city's service."""
    program = f"import services.{service}.__main__ as service; service.main()"
    ended = run(program, **{name: "0"})
    assert ended.returncode == 1
    assert f"BadSettings: {name} would break this service on purpose and counts in test mode only" in ended.stderr


def test_what_says_nothing_is_refused_with_what_would() -> None:
    with pytest.raises(BadSettings, match=r"'intake\.stored=explode' is not name=kill"):
        failpoints.parse("intake.stored=explode")


def test_the_clock_of_a_running_process_can_be_set_back(tmp_path: Path) -> None:
    told = tmp_path / "offset"
    program = f"""
from pathlib import Path
from shared import clock
told = Path({str(told)!r})
told.write_text("0")
before = clock.now()
told.write_text("-3600")
print(round((before - clock.now()).total_seconds()))
"""
    assert run(program, YIJIAN_TEST_MODE="1", YIJIAN_CLOCK_OFFSET=f"@{told}").stdout.strip() == "3600"
    assert run(program, YIJIAN_CLOCK_OFFSET=f"@{told}").stdout.strip() == "0"
