"""A helper process answers in order, is replaced when it dies, and never outlives its service."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.helper import Helper, HelperLost
from shared.http.problems import Problem, fault
from shared.testing.wait import wait_until

ECHO = "tests.unit.helper.echo:prepare"


@pytest.fixture
async def echo() -> AsyncIterator[Helper]:
    helper = Helper(ECHO, "hello")
    await helper.start()
    yield helper
    await helper.close()


async def test_calls_are_answered_in_order(echo: Helper):
    answers = await asyncio.gather(*(echo.call(number) for number in range(200)))
    assert answers == [["hello", number] for number in range(200)]


async def test_a_call_may_be_large(echo: Helper):
    assert await echo.call(b"x" * 20_000_000) == ["hello", b"x" * 20_000_000]


async def test_what_the_helper_raises_reaches_the_caller_and_nobody_else(echo: Helper):
    good, bad = await asyncio.gather(echo.call("good"), echo.call("fail"), return_exceptions=True)
    assert good == ["hello", "good"]
    assert isinstance(bad, ValueError)


async def test_calls_that_waited_for_a_killed_helper_are_answered_by_the_next_one(echo: Helper):
    first = await echo.call("pid")
    waiting = [asyncio.create_task(echo.call(number)) for number in range(50)]
    os.kill(first, signal.SIGKILL)
    assert await asyncio.gather(*waiting) == [["hello", number] for number in range(50)]
    await wait_until(lambda: _is_another(echo, first), timeout=20)


async def _is_another(echo: Helper, first: int) -> bool:
    return bool(await echo.call("pid") != first)


async def test_a_call_that_kills_every_helper_fails_and_the_next_one_works(echo: Helper):
    with pytest.raises(HelperLost):
        await echo.call("die")
    assert await echo.call(1) == ["hello", 1]


async def test_a_helper_that_cannot_start_is_said_to_be_lost():
    helper = Helper(ECHO, "cannot start")
    with pytest.raises(HelperLost):
        await helper.start()
    await helper.close()


async def test_a_helper_whose_first_call_fails_is_tried_again(tmp_path: Path):
    needed = tmp_path / "needed"
    needed.touch()
    helper = Helper(ECHO, needed)
    first = await helper.call("pid")
    needed.unlink()
    os.kill(first, signal.SIGKILL)
    with pytest.raises(HelperLost, match="cannot be started"):
        await wait_until(lambda: _is_another(helper, first), timeout=20)
    needed.touch()
    assert await helper.call(1) == [needed, 1]
    await helper.close()


async def test_a_call_that_cannot_be_sent_misplaces_no_answer(echo: Helper):
    with pytest.raises((TypeError, AttributeError)):
        await echo.call(lambda: None)
    assert await echo.call(1) == ["hello", 1]


async def test_a_helper_ends_when_its_service_is_killed(tmp_path: Path):
    script = (
        "import asyncio\nfrom pathlib import Path\nfrom shared.helper import Helper\n"
        f"async def main():\n    helper = Helper({ECHO!r}, 1)\n"
        f"    Path({str(tmp_path / 'pid')!r}).write_text(str(await helper.call('pid')))\n    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    service = subprocess.Popen([sys.executable, "-c", script])
    await wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "", timeout=20)
    helper = int((tmp_path / "pid").read_text())
    service.kill()
    service.wait()
    await wait_until(lambda: not Path(f"/proc/{helper}").exists(), timeout=20)


def test_a_problem_travels_whole():
    import pickle

    problem = Problem(422, "invalid", "No.", errors=[fault("/text", "No.")], headers={"Retry-After": "2"}, limit=3)
    again = pickle.loads(pickle.dumps(problem))
    assert (again.body(), again.headers) == (problem.body(), problem.headers)
