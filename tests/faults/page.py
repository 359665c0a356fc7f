"""`python -m tests.faults.page [RECORDS]`: writes the tables of `docs/reliability.md`: the rules, and what was measured.

RECORDS is the file that `YIJIAN_FAULTS_RECORD` named while the trials ran: a JSON line for each.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from tests.faults.rules import REMOVALS, ROOT

PAGE = ROOT / "docs" / "reliability.md"
_NAMES = {
    1: "Identity", 2: "Order and once", 3: "Outbox", 4: "Publishing", 5: "Reconciler", 6: "Dead letters", 7: "Time", 8: "The feed",
    9: "The account", 10: "Readiness", 11: "Retention", 12: "Both keys claim", 13: "Size", 14: "Topics", 15: "Packs change",
}  # fmt: skip


def rules() -> list[str]:
    """A line for each thing that was taken out."""
    head = ["| rule | what is taken out | the test that is red then |", "| --- | --- | --- |"]
    return head + [f"| {one.rule} {_NAMES[one.rule]} | {one.what} | {_name(one.test)} |" for one in REMOVALS]


def figures(records: Iterable[dict[str, Any]]) -> list[str]:
    """A line for each fault in each home."""
    grouped: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        grouped[record["home"], record["fault"]].append(record)
    names = ("fault", "home", "runs", "messages", "202s", "lost", "doubled", "out of order", "account wrong", "fault → flow, s")
    head = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    return head + [
        _line(home, fault, of)
        for (home, fault), of in sorted(grouped.items(), key=lambda item: (item[0][0] == "cluster", item[0]))
    ]


def _line(home: str, fault: str, of: Sequence[dict[str, Any]]) -> str:
    sums = [sum(one[name] for one in of) for name in ("messages", "accepted", "lost", "doubled", "disorder", "account")]
    times = sorted(time for one in of for time in one["flowing_after"])
    flow = f"{median(times):.1f}" + (f" (longest {times[-1]:.1f})" if len(times) > 1 else "") if times else ""
    return f"| {fault} | {home} | {len(of)} | " + " | ".join(f"{one:,}" for one in sums) + f" | {flow} |"


def write(name: str, lines: Sequence[str]) -> None:
    """Put these lines between the page's marks of this name."""
    begin, end = f"<!-- {name}: written by `python -m tests.faults.page` -->", f"<!-- end of {name} -->"
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: "\n\n".join([begin, "\n".join(lines), end]), text), encoding="utf-8")


def _name(test: str) -> str:
    path, _, function = test.partition("::")
    return f"`{function.partition('[')[0]}` ({path.removeprefix('tests/')})"


if __name__ == "__main__":
    write("rules", rules())
    if len(sys.argv) > 1:
        write("figures", figures(orjson.loads(line) for line in Path(sys.argv[1]).read_bytes().splitlines()))
