"""What was found: figures with what they are to reach, as a table and as JSON; and what machine it was."""

import os
import platform
import sqlite3
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import apsw
import orjson
from rich.console import Console
from rich.table import Table

LAST = Path("var/bench/last.json")
PAGE = Path("docs/performance.md")
_MARKS = ("<!-- figures: written by `python -m tests.benchmarks --page` -->", "<!-- end of figures -->")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. Without `reach` it is only told."""

    name: str
    actual: float
    raw: dict[str, Any]
    """What it was reckoned from."""
    reach: float | None = None
    at_most: bool = False
    unit: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether it reaches what it is to reach."""
        if self.reach is None:
            return None
        return self.actual <= self.reach if self.at_most else self.actual >= self.reach

    def row(self) -> tuple[str, ...]:
        """Its line in the table."""
        sign = "≤" if self.at_most else "≥"
        reach = "" if self.reach is None else f"{sign} {self.reach:g}{self.unit}"
        actual = f"{self.actual:,.3g}" if self.actual < 100 else f"{self.actual:,.0f}"
        return self.name, reach, actual + self.unit, {None: "", True: "yes", False: "NO"}[self.ok], _words(self.raw)


def show(figures: list[Figure], machine: dict[str, Any]) -> None:
    """The table, for people."""
    table = Table("what", "reach", "actual", "ok", "from", title="yijian benchmarks", show_lines=True)
    for figure in figures:
        table.add_row(*figure.row(), style="red" if figure.ok is False else None)
    console = Console(width=None if Console().is_terminal else 170)
    console.print(table)
    console.print(_words(machine))


def write(figures: list[Figure], machine: dict[str, Any], *, quick: bool) -> None:
    """The same, for programs."""
    LAST.parent.mkdir(parents=True, exist_ok=True)
    told = [asdict(figure) | {"ok": figure.ok} for figure in figures]
    LAST.write_bytes(orjson.dumps({"quick": quick, "machine": machine, "figures": told}, option=orjson.OPT_INDENT_2))


def write_page(figures: list[Figure], machine: dict[str, Any]) -> None:
    """The same, in the page for readers: what stands between its marks is replaced."""
    rows = [("what", "reach", "actual", "ok", "from"), ("---",) * 5, *(figure.row() for figure in figures)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_MARKS[0])
    after = rest.partition(_MARKS[1])[2]
    page = f"{before}{_MARKS[0]}\n\n{table}\n\nThe machine: {_words(machine)}.\n\n{_MARKS[1]}{after}"
    PAGE.write_text(page, encoding="utf-8")


def machine() -> dict[str, Any]:
    """What this ran on."""
    models = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": models[0] if models else platform.processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": f"{apsw.sqlite_lib_version()} (apsw), {sqlite3.sqlite_version} (Python's)",
        "fsyncs_per_second": round(_fsyncs()),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def _fsyncs(seconds: float = 1.0) -> float:
    """How often a second 4 KB can be appended and forced to this disk."""
    count, started = 0, time.perf_counter()
    with tempfile.NamedTemporaryFile(prefix="yijian-bench-") as file:
        while time.perf_counter() - started < seconds:
            os.write(file.fileno(), bytes(4096))
            os.fsync(file.fileno())
            count += 1
    return count / (time.perf_counter() - started)


def _words(raw: dict[str, Any]) -> str:
    return " · ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in raw.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
