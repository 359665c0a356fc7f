"""That the list of what may be taken out still speaks of this code: a rule whose line has moved is a rule nobody tries."""

import subprocess
import sys

import pytest

from tests.faults.rules import REMOVALS, ROOT, Removal


@pytest.mark.parametrize("one", REMOVALS, ids=lambda one: f"{one.rule}-{one.what}")
def test_what_is_taken_out_is_there(one: Removal) -> None:
    assert (ROOT / one.path).read_text().count(one.found) == 1


def test_every_rule_has_a_removal() -> None:
    assert {one.rule for one in REMOVALS} == set(range(1, 16))


def test_every_named_test_exists() -> None:
    named = sorted({one.test.partition("[")[0] for one in REMOVALS})
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *named],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
