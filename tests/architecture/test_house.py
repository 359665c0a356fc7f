"""The house rules that no other tool holds. An exception is a line in `EXCEPTIONS`, with its reason."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import house
from tests.architecture.house import ROOT, SOURCE, Breach, Module

CLOCK = house.calls(house.CLOCKS, "only shared/clock.py reads the clock or sleeps")
UUID = house.calls(house.UUIDS, "only shared/ids.py makes identifiers")
PRINT = house.calls({"print"}, "log it, or let a tool say it")
NAP = house.calls(
    house.SLEEPS | {"shared.clock.sleep"}, "a test waits for a condition (wait_until), never for a time", giving_way=True
)

IN_SOURCE = {
    "length": house.length,
    "functions": house.functions,
    "nesting": house.nesting,
    "clock": CLOCK,
    "uuid": UUID,
    "print": PRINT,
}
IN_TESTS = {"length": house.length, "functions": house.functions, "nesting": house.nesting, "nap": NAP}

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("clock", "shared/clock.py"): "It is the clock.",
    ("uuid", "shared/ids.py"): "It is where identifiers are made.",
    ("print", "tools/"): "A command speaks to a person.",
    ("nap", "tests/support/"): "wait_until has to pause between two looks.",
}
"""(rule, path or folder or path::function) → why it may."""


@pytest.mark.parametrize("name", IN_SOURCE)
def test_the_source_keeps_the_rule(name: str):
    report(name, (breach for module in house.modules(*SOURCE) for breach in IN_SOURCE[name](module)))


@pytest.mark.parametrize("name", IN_TESTS)
def test_the_tests_keep_the_rule(name: str):
    report(name, (breach for module in house.modules("tests") for breach in IN_TESTS[name](module)))


def test_no_committed_file_names_a_place_of_one_machine():
    report("machine", (breach for path in committed() for breach in machine_paths(path)))


def test_requirements_name_no_registry():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sorted((ROOT / "requirements").iterdir())
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if REGISTRY.search(line)
    ]
    assert not found, "\n".join(found)


def test_every_exception_is_needed_and_has_a_reason():
    for (_, where), reason in EXCEPTIONS.items():
        assert reason.endswith("."), f"{where}: write the reason as a sentence"
        assert (ROOT / where.partition("::")[0]).exists(), f"{where} is gone: take its exception away"


BROKEN = {
    "length": (house.length, "\n" * 300),
    "functions": (house.functions, "def long():\n" + "    x = 1\n" * 40),
    "nesting": (house.nesting, "def deep():\n if a:\n  for b in c:\n   while d:\n    with e:\n     pass\n"),
    "clock": (CLOCK, "from datetime import datetime as d\nd.now()\n"),
    "clock by another name": (CLOCK, "import time as t\nwait = t.sleep\n"),
    "uuid": (UUID, "from uuid import uuid4\nuuid4()\n"),
    "print": (PRINT, "print('x')\n"),
    "nap": (NAP, "import asyncio\nasync def test():\n    await asyncio.sleep(1)\n"),
}
KEPT = {
    "elif is no nesting": (
        house.nesting,
        "def f():\n for a in b:\n  if c:\n   pass\n  elif d:\n   pass\n  elif e:\n   if g: pass\n",
    ),
    "an inner function is measured by itself": (house.nesting, "def f():\n if a:\n  for b in c:\n   def g():\n    if d: pass\n"),
    "giving way is no nap": (NAP, "import asyncio\nasync def test():\n    await asyncio.sleep(0)\n"),
    "our own clock": (CLOCK, "from shared import clock\nclock.now()\nclock.sleep(1)\n"),
    "reading an id": (UUID, "import uuid\nuuid.UUID('x')\n"),
}


@pytest.mark.parametrize(("rule", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_a_rule_finds_what_breaks_it(rule: house.Rule, text: str):
    assert list(rule(Module("a.py", text)))


@pytest.mark.parametrize(("rule", "text"), KEPT.values(), ids=KEPT.keys())
def test_a_rule_lets_pass_what_keeps_it(rule: house.Rule, text: str):
    assert not list(rule(Module("a.py", text)))


def report(rule: str, breaches: Iterator[Breach]) -> None:
    """Fail with every breach that is no exception."""
    left = [str(breach) for breach in breaches if not excepted(rule, breach)]
    assert not left, f"{len(left)} places break the rule {rule!r}:\n" + "\n".join(left)


def excepted(rule: str, breach: Breach) -> bool:
    """Whether `EXCEPTIONS` names the function, its module or a folder above it."""
    folders = {f"{parent}/" for parent in Path(breach.path).parents}
    return any((rule, where) in EXCEPTIONS for where in (f"{breach.path}::{breach.name}", breach.path, *folders))


_ROOTS = ("home", "root", "Users", "work", "farm", r"tmp/\w+_jobs")
MACHINE = re.compile(rf"(?<![\w.*$}}])/(?:{'|'.join(_ROOTS)})/|\.\./share[d]/")
"""Where one developer's or one builder's machine keeps its files: nobody else has them."""
REGISTRY = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host")


def committed() -> list[Path]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def machine_paths(path: Path) -> Iterator[Breach]:
    """The lines of a text file that name such a place."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    name = path.relative_to(ROOT).as_posix()
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            yield Breach(name, number, "", line.strip()[:120])
