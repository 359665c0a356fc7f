"""Fixtures that every suite may use, how the suites share two workers, and what a run has left out."""

from collections import Counter, defaultdict

import pytest

pytest_plugins = ["tests.support.fixtures_kafka", "tests.support.fixtures_mongo", "tests.support.fixtures_city"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A module stays on one worker, and so does everything with Kafka, for the sake of one broker."""
    kafka = item.get_closest_marker("kafka")
    item.add_marker(pytest.mark.xdist_group("kafka" if kafka else item.nodeid.partition("::")[0]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In random order, but what takes longest begins first."""
    items.sort(key=lambda item: item.get_closest_marker("kafka") is None)


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
