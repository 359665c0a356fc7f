"""Fixtures that every suite may use, the order of a run, and what it has left out."""

from collections import Counter, defaultdict

import pytest

pytest_plugins = ["tests.support.fixtures_kafka", "tests.support.fixtures_mongo", "tests.support.fixtures_city"]

_TRAINING_SECONDS = 900.0
"""Far more than it takes: a busy machine is no reason to fail."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In random order, but the modules with the longest tests begin first, so that no worker has one left over at the end.

    Whichever test is the first to need the shipped model waits until it has been trained, or another worker has trained it.
    """
    long = {item.path for item in items if any(map(item.get_closest_marker, ("slow", "kafka")))}
    items.sort(key=lambda item: item.path not in long)
    for item in items:
        if "model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_TRAINING_SECONDS + _own_seconds(item)), append=False)


def _own_seconds(item: pytest.Item) -> float:
    """The time-out that the test has without the training."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0] if mark else item.config.getini("timeout"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which suites were left out, and why."""
    left_out: dict[str, Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        left_out[reason.removeprefix("Skipped: ")][report.nodeid.partition("::")[0]] += 1
    for reason, suites in left_out.items():
        terminalreporter.section(f"left out: {sum(suites.values())} tests", bold=True)
        terminalreporter.line(reason)
        for suite, count in sorted(suites.items()):
            terminalreporter.line(f"  {suite} ({count})")
