"""The whole system as a newcomer meets it: real processes on this machine, spoken to as the printed lines say."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.pack.load import load_pack, read_examples
from shared.testing.wait import wait_until
from tests.support.city import PACK, Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@dataclass
class Up:
    """A running `yijian up --demo`, and what it has printed."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Collect its lines until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    def yijian(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another yijian command beside it."""
        command = [sys.executable, "-m", "tools.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=200, check=False)


def _free_ports() -> int:
    """The first of four ports in a row that nobody listens on; each worker looks in a range of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for first in range(21000 + 1000 * (worker % 8), 22000 + 1000 * (worker % 8), 10):
        probes = [socket.socket() for _ in range(4)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise RuntimeError("no four free ports in a row in a thousand")


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    """The settings of a home, as a person gives them."""
    where = {"YIJIAN_DATA": str(home.data), "YIJIAN_LOG": home.log, "YIJIAN_STORE": home.store, "YIJIAN_MODEL": str(home.model)}
    return os.environ | where | {"YIJIAN_PORT": str(_free_ports()), "YIJIAN_PACK": str(PACK), "COLUMNS": "200"}


@contextmanager
def _started(environment: dict[str, str]) -> Iterator[Up]:
    command = [sys.executable, "-u", "-m", "tools.cli", "up", "--demo"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running = Up(process, environment)
    reader = threading.Thread(target=running.read)
    reader.start()
    try:
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        reader.join()
        assert process.stdout
        process.stdout.close()


@pytest.fixture
def up(environment: dict[str, str]) -> Iterator[Up]:
    with _started(environment) as running:
        yield running


async def _ready(up: Up, timeout: float = 120) -> None:
    await wait_until(
        lambda: "Made-up messages are arriving" in up.text or up.process.poll() is not None, timeout=timeout, what="ready"
    )
    assert up.process.poll() is None, up.text


def _routed_within(up: Up) -> float:
    """Seconds: on a machine as busy as CI's. A Kafka group that has just been made takes some seconds to find its first topics."""
    return 5.0 if up.environment["YIJIAN_LOG"].startswith("sqlite") else 30.0


async def test_the_printed_curl_works_as_pasted_and_the_message_is_routed_at_once(up: Up) -> None:
    await _ready(up)
    track = _paste(up)
    await wait_until(lambda: httpx.get(track).json()["status"] != "received", timeout=_routed_within(up), what="the routing")
    assert httpx.get(track).json()["department"]


def _paste(up: Up) -> str:
    """Paste the printed command into a shell; the address at which it says the message can be followed."""
    start = up.text.index("curl ")
    command = up.text[start : up.text.index("\n\nMade-up", start)]
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    track: str = json.loads(answer.stdout[answer.stdout.index("{") :])["links"]["track"]
    return track


@pytest.mark.timeout(900)
async def test_an_english_city_starts_as_well_and_speaks_no_chinese(tmp_path: Path) -> None:
    """From nothing: without a trained model, in a folder that nobody has used."""
    where = {"YIJIAN_DATA": str(tmp_path), "YIJIAN_PACK": "packs/larkhaven", "YIJIAN_PORT": str(_free_ports())}
    others = {name: value for name, value in os.environ.items() if not name.startswith("YIJIAN_")}
    with _started(others | where | {"COLUMNS": "200"}) as up:
        await _ready(up, timeout=600)
        track = _paste(up)
        await wait_until(lambda: httpx.get(track).json()["department"], timeout=30, what="the department")
        seen = httpx.get(track).json()

    assert seen["status"] == "department"
    assert seen["department"]["en"] in {one.name.en for one in load_pack("packs/larkhaven").departments}
    assert seen["department"]["en"] in seen["history"][-1]["en"]
    assert not _CHINESE.search(_read_in_english(seen))
    assert not _CHINESE.search(up.text)
    up.environment["YIJIAN_PACK"] = str(PACK)
    other_city = up.yijian("up", "--demo")
    assert other_city.returncode == 2
    assert other_city.stderr.startswith(f"yijian: {tmp_path} holds the messages of larkhaven")


def _read_in_english(seen: Any) -> str:
    """What is there to be read, but for the other language's texts."""
    if isinstance(seen, dict):
        return "\n".join(_read_in_english(value) for name, value in seen.items() if name != "zh")
    return "\n".join(map(_read_in_english, seen)) if isinstance(seen, list) else str(seen)


async def test_a_replay_adds_up_even_when_every_service_is_killed_meanwhile(up: Up, tmp_path: Path) -> None:
    await _ready(up)
    file = tmp_path / "messages.ndjson"
    rows = [{"id": f"e2e-{number}", "content": one.text} for number, one in enumerate(read_examples(PACK)[:400])]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")

    command = [
        sys.executable,
        "-m",
        "tools.cli",
        "replay",
        str(file),
        "--wait",
        "--channel",
        "hotline",
        "--batch",
        "20",
        "--rate",
        "100",
    ]
    replay = subprocess.Popen(command, env=up.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for name in ("intake", "classifier", "router"):
        await wait_until(lambda name=name: _kill(up, name), timeout=30, what=f"a process of {name} to kill")
    output, _ = replay.communicate(timeout=200)
    again = up.yijian("replay", str(file), "--wait", "--channel", "hotline")

    assert replay.returncode == 0, output
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"duplicates\W+400", again.stdout), again.stdout
    assert up.yijian("account").returncode == 0


def _kill(up: Up, service: str) -> bool:
    """Kill -9 the process of this service; False while there is none."""
    command = ["pgrep", "-P", str(up.process.pid), "-f", f"services.{service}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    for pid in map(int, found):
        os.kill(pid, signal.SIGKILL)
    return bool(found)


async def test_ctrl_c_stops_everything_and_a_second_start_goes_on(up: Up) -> None:
    await _ready(up)
    keys = [line for line in up.lines if "yj_channel_" in line]
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=60) == 0, up.text
    base = f"http://127.0.0.1:{int(up.environment['YIJIAN_PORT']) + 1}"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/health/live")
    with _started(up.environment) as again:
        await _ready(again)
        assert next(line for line in again.lines if "yj_channel_" in line) == keys[0]
