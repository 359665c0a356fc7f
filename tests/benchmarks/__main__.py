"""`python -m tests.benchmarks [--quick] [--only NAME] [--page]`: what `make bench` runs."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.classifier import classifier
from tests.benchmarks.durability import durability
from tests.benchmarks.end_to_end import end_to_end
from tests.benchmarks.growth import growth
from tests.benchmarks.intake import batch, single
from tests.benchmarks.loop import loop
from tests.benchmarks.overload import overload

Benchmark = Callable[..., Coroutine[Any, Any, list[report.Figure]]]
BENCHMARKS: dict[str, Benchmark] = {
    "single": single,
    "batch": batch,
    "loop": loop,
    "end-to-end": end_to_end,
    "growth": growth,
    "durability": durability,
    "overload": overload,
    "classifier": classifier,
}


def main() -> int:
    """Run what was asked for; 1 when a figure does not reach what it should."""
    arguments = _arguments(list(BENCHMARKS))
    machine, console, figures = report.machine(), Console(stderr=True), []
    for name in arguments.only or BENCHMARKS:
        console.print(f"[dim]{name} …[/]")
        figures += asyncio.run(BENCHMARKS[name](quick=arguments.quick))
    report.show(figures, machine)
    report.write(figures, machine, quick=arguments.quick)
    if arguments.page:
        report.write_page(figures, machine)
    return 1 if any(figure.ok is False for figure in figures) else 0


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds each, to see that they work; no figures to quote")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}; repeatable")
    parser.add_argument(
        "--page", action="store_true", help=f"put the figures into {report.PAGE}: only on a machine with nothing else to do"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
