import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.logfile import LogFile
from deploy.local.supervisor import NotReady, Program, Supervisor, service_programs
from shared.errors import BadSettings
from shared.settings import HomeSettings
from shared.testing.wait import wait_until

FOREVER = "import signal\nprint('up', flush=True)\nsignal.pause()"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\nwhile True: signal.pause()"
READY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.local.supervisor import Program, Supervisor
async def main():
    async with Supervisor([Program("child", (sys.executable, "-I", "-S", "-c", sys.argv[1]))], folder=Path(sys.argv[2]), say=lambda _: None) as home:
        while home.pid("child") is None: await asyncio.sleep(0.01)
        print(home.pid("child"), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def program(code: str, *arguments: str, name: str = "child", port: int | None = None) -> Program:
    return Program(name, (sys.executable, "-I", "-S", "-c", code, *arguments), port)


@asynccontextmanager
async def home(folder: Path, *programs: Program, stop_seconds: float = 10) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    async with Supervisor(
        programs, folder=folder, say=said.append, back_off=(0.01, 0.02), stop_seconds=stop_seconds
    ) as supervisor:
        yield supervisor, said


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def up(folder: Path) -> Callable[[], bool]:
    log = folder / "log" / "child.log"
    return lambda: log.exists() and "up" in log.read_text()


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_program_that_dies_is_started_again_and_its_last_words_are_told(tmp_path: Path) -> None:
    async with home(tmp_path, program("import sys; sys.exit('no luck')")) as (supervisor, said):
        await wait_until(lambda: supervisor.starts("child") >= 3)
    assert any("died with exit code 1: no luck; starting it again in 0.01 s" in line for line in said)
    assert any("in 0.02 s" in line for line in said)


async def test_a_program_that_is_killed_is_started_again(tmp_path: Path) -> None:
    async with home(tmp_path, program(FOREVER)) as (supervisor, said):
        first = await wait_until(lambda: supervisor.pid("child"))
        os.kill(first, 9)
        await wait_until(lambda: supervisor.pid("child") not in (None, first))
    assert any("was ended by SIGKILL" in line for line in said)


async def test_a_stop_ends_every_program_and_nothing_is_started_again(tmp_path: Path) -> None:
    async with home(tmp_path, program(FOREVER)) as (supervisor, said):
        pid = await wait_until(lambda: supervisor.pid("child"))
        await wait_until(up(tmp_path))
    assert not alive(pid)
    assert said[-1] == "child stopped"
    assert supervisor.starts("child") == 1


async def test_a_program_that_will_not_stop_is_killed_at_the_deadline(tmp_path: Path) -> None:
    async with home(tmp_path, program(STUBBORN), stop_seconds=0.1) as (supervisor, said):
        pid = await wait_until(lambda: supervisor.pid("child"))
        await wait_until(up(tmp_path))
    assert not alive(pid)
    assert "child did not stop within 0.1 s: killing it" in said


async def test_a_program_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    async with home(tmp_path, Program("child", (str(tmp_path / "missing"),))) as (_, said):
        await wait_until(lambda: len(said) > 1)
    assert "cannot be started" in said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_children_die_with_their_supervisor(tmp_path: Path) -> None:
    import asyncio

    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, STUBBORN, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = int(await parent.stdout.readline())
    await wait_until(up(tmp_path))
    parent.kill()
    await parent.communicate()
    await wait_until(lambda: not alive(child))


async def test_it_is_ready_when_every_program_answers(tmp_path: Path) -> None:
    port = free_port()
    async with home(tmp_path, program(READY, str(port), port=port)) as (supervisor, _):
        await supervisor.ready()
        assert await ports.is_ready("127.0.0.1", port)
    assert not await ports.is_ready("127.0.0.1", port)


async def test_a_program_that_keeps_dying_is_not_waited_for(tmp_path: Path) -> None:
    async with home(tmp_path, program("import sys; sys.exit('YIJIAN_LOG is wrong')", port=free_port())) as (supervisor, _):
        with pytest.raises(NotReady, match="YIJIAN_LOG is wrong"):
            await supervisor.ready()


async def test_a_program_that_never_answers_is_named_at_the_deadline(tmp_path: Path) -> None:
    async with home(tmp_path, program(FOREVER, port=free_port())) as (supervisor, _):
        with pytest.raises(NotReady, match="child not ready after 0 s"):
            await supervisor.ready(timeout=0)


async def test_a_port_that_is_taken_is_named_with_its_holder_and_nothing_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        supervisor = Supervisor([program(FOREVER, port=port)], folder=tmp_path, say=print)
        with pytest.raises(
            BadSettings, match=rf"port {port} \(child\) is taken by .*pid {os.getpid()}.*YIJIAN_PORT=9000 make run"
        ):
            supervisor.start()
    assert supervisor.starts("child") == 0
    supervisor.claim()
    await supervisor.stop()


async def test_a_folder_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    async with home(tmp_path, program(FOREVER)):
        with pytest.raises(BadSettings, match=f"in use by another `yijian up` .pid {os.getpid()}"):
            Supervisor([program(FOREVER)], folder=tmp_path, say=print).start()
    async with home(tmp_path, program(FOREVER)) as (supervisor, _):
        await wait_until(lambda: supervisor.pid("child"))


def test_a_log_that_cannot_be_copied_is_bounded_all_the_same(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "child.log", limit=10)
    (tmp_path / "child.log.1").mkdir()  # as little use as a full disk
    log.path.write_text("more than ten bytes")
    log.bound()
    assert log.path.read_text() == ""


def test_a_log_is_bounded_while_its_program_goes_on_writing(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "child.log", limit=10)
    with os.fdopen(log.open(), "wb", buffering=0) as output:
        output.write(b"a first long line\n")
        log.bound()
        output.write(b"next\n\n")
        log.bound()
    assert (tmp_path / "child.log.1").read_text() == "a first long line\n"
    assert log.path.read_text() == "next\n\n"
    assert log.last_line() == "next"


def test_every_service_runs_with_the_settings_of_the_home(tmp_path: Path) -> None:
    programs = service_programs(HomeSettings(data=tmp_path, port=9100), YIJIAN_MODEL="m")
    assert [(one.name, one.port) for one in programs] == [("intake", 9101), ("classifier", 9102), ("router", 9103)]
    assert programs[0].command[-1] == "services.intake"
    assert programs[0].environment["YIJIAN_DATA"] == str(tmp_path)
    assert programs[0].environment["YIJIAN_MODEL"] == "m"
    assert "YIJIAN_KEYS" not in programs[0].environment
