"""The alert rules speak of metrics and labels that there are, and each has its page."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.observability import metrics

ROOT = Path(__file__).parents[3]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/observability/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
_SELECTOR = re.compile(r"\b(yijian_\w+|up)(?:\{([^}]*)\})?")
_TURN_AWAY = [ROOT / path for path in ("services/intake/admission.py", "shared/http/guard.py", "shared/http/app.py")]
_SCRAPED = {"job", "instance", "le"}


def instruments() -> dict[str, set[str]]:
    """Every name that Prometheus sees, with the labels that our code gives it."""
    found: dict[str, set[str]] = {"up": set()}
    for collector, names in metrics.REGISTRY._collector_to_names.items():
        found |= {name: set(collector._labelnames) for name in names}  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_speaks_of_what_there_is(rule: dict[str, Any]) -> None:
    known = instruments()
    used = _SELECTOR.findall(rule["expr"])
    assert used, rule["expr"]
    for name, matchers in used:
        assert name in known, f"there is no metric {name}"
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= known[name] | _SCRAPED, f"{name} has no label {labels - known[name]}"


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_has_a_page_that_says_what_to_do(rule: dict[str, Any]) -> None:
    page = (ROOT / rule["annotations"]["runbook"]).read_text(encoding="utf-8")
    for part in ("**It means**", "**Citizens notice**", "## Look here first", "## Do this", "## It is over when"):
        assert part in page
    assert Path(rule["annotations"]["runbook"]).name in (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8")
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


def test_every_reason_of_turning_away_that_an_alert_names_is_one() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in _TURN_AWAY)
    named = {reason for rule in RULES for found in re.findall(r'reason=~"([^"]*)"', rule["expr"]) for reason in found.split("|")}
    assert named
    assert all(f'"{reason}"' in source for reason in named)
