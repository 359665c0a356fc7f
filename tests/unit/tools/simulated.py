"""What the tests of `yijian simulate` stand on: both packs as they are, and a run in memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from shared.pack.load import load_pack
from shared.pack.model import Example, Pack
from tools.simulate.plan import Traffic
from tools.simulate.reading import read_traffic
from tools.simulate.stream import Choice, Simulation
from tools.simulate.writing import Writer

PACKS = Path(__file__).parents[3] / "packs"


@cache
def city(name: str) -> Pack:
    return load_pack(PACKS / name)


@cache
def examples(name: str) -> Sequence[Example]:
    """Read without the checks of the whole pack, which are somebody else's tests."""
    files = sorted((PACKS / name / "examples").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [Example.model_validate_json(line) for line in lines]


@cache
def traffic(name: str) -> Traffic:
    return read_traffic(PACKS / name, city(name))


def simulation(days: int, per_day: int, *, name: str = "qingting", seed: int = 1, start: str = "2026-01-01") -> Simulation:
    choice = Choice(days, per_day, seed, date.fromisoformat(start))
    return Simulation(city(name), examples(name), traffic(name), choice)


@dataclass(frozen=True)
class Made:
    """A folder, read again."""

    folder: Path
    messages: list[dict[str, Any]]
    truth: list[dict[str, Any]]
    summary: dict[str, Any]

    def of(self, event: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The messages of an event, with their truth."""
        pairs = zip(self.messages, self.truth, strict=True)
        return [(message, true) for message, true in pairs if true["event"] == event]

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").split("\n") if line]


def write(made: Simulation, folder: Path) -> Made:
    for _ in Writer(made, folder).write():
        pass
    read = Made(folder, [], [], json.loads((folder / "truth.json").read_text(encoding="utf-8")))
    read.messages.extend(read.rows("messages.ndjson"))
    read.truth.extend(read.rows("truth.ndjson"))
    return read
