"""`python -m tests.benchmarks [--quick] [--only NAME]`: what `make bench` runs."""

import argparse
import asyncio
import importlib.util
import sys

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.end_to_end import end_to_end
from tests.benchmarks.growth import growth
from tests.benchmarks.intake import Benchmark, batch, single
from tests.benchmarks.loop import loop

BENCHMARKS: dict[str, Benchmark] = {"single": single, "batch": batch, "loop": loop, "end-to-end": end_to_end, "growth": growth}
_CLASSIFIER = "tests.benchmarks.bench_classifier"


def main() -> int:
    """Run what was asked for; 1 when a figure does not reach what it should."""
    known = _known()
    arguments = _arguments(list(known))
    machine, console, figures = report.machine(), Console(stderr=True), []
    for name in arguments.only or known:
        console.print(f"[dim]{name} …[/]")
        figures += asyncio.run(known[name](quick=arguments.quick))  # type: ignore[arg-type]
    report.show(figures, machine)
    report.write(figures, machine, quick=arguments.quick)
    return 1 if any(figure.ok is False for figure in figures) else 0


def _known() -> dict[str, Benchmark]:
    if importlib.util.find_spec(_CLASSIFIER) is None:
        return BENCHMARKS
    return BENCHMARKS | {"classifier": importlib.import_module(_CLASSIFIER).classifier}


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds each, to see that they work; no figures to quote")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}; repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
