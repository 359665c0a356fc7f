"""What must fit in matters, reasons to return, replies, crosswalks and the services of Open311."""

from shared.pack.comparing import category_in_use, not_empty, says_something, serves, unique, unique_names, working_department
from shared.pack.draft import Draft
from shared.pack.known import Known
from shared.pack.mistakes import Findings
from shared.pack.source import Node


def check_matters(draft: Draft, known: Known, findings: Findings) -> None:
    """Each matter, its items and their papers."""
    nodes = draft["matters"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)
        for category in node.items("usual_categories"):
            category_in_use(category, known, findings)
        _items(node, known, findings)


def _items(matter: Node, known: Known, findings: Findings) -> None:
    items = matter.items("items")
    unique(items, ("code",), "code", findings)
    for item in items:
        says_something(item, "name", findings)
        serves(item, known, findings, level=item.text("level") or "city")
        for paper in item.items("papers"):
            says_something(paper, "name", findings)
    _order(items, findings)


def _order(items: list[Node], findings: Findings) -> None:
    """From 1 on; items with the same number go on at the same time."""
    numbers = {int(item.text("order")): item for item in reversed(items) if item.text("order").isdecimal()}
    if any(item.nearest("order") in findings.misshapen for item in items):
        return
    for expected, number in enumerate(sorted(numbers), 1):
        if number != expected:
            findings.mistake(
                numbers[number].nearest("order"), f"order {number}, and nothing has {expected}", f"`order: {expected}`"
            )
            return


def check_returns(draft: Draft, _: Known, findings: Findings) -> None:
    """Reasons to give a case back."""
    nodes = draft["returns"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)


def check_replies(draft: Draft, _: Known, findings: Findings) -> None:
    """Replies to begin with."""
    nodes = draft["replies"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)
        says_something(node, "text", findings)


def check_crosswalks(draft: Draft, known: Known, findings: Findings) -> None:
    """Other systems' codes."""
    first: dict[tuple[str, str], Node] = {}
    for node in draft["crosswalks"].nodes:
        says_something(node, "system", findings)
        working_department(node.at("department"), known, findings)
        unique(node.items("codes"), ("theirs",), "code", findings)
        for code in node.items("codes"):
            not_empty(code.at("name"), "name", findings)
            for ours in code.items("ours"):
                category_in_use(ours, known, findings)
        _one_of_each_version(node, first, findings)


def _one_of_each_version(node: Node, first: dict[tuple[str, str], Node], findings: Findings) -> None:
    system = node.text("system", "zh") or node.text("system", "en")
    earlier = first.setdefault((system, node.text("version")), node)
    if system and earlier is not node:
        found = f"version {node.text('version')} of {system} a second time (first {earlier.file})"
        findings.mistake(node.nearest("version"), found, "a version of its own")


def check_open311(draft: Draft, known: Known, findings: Findings) -> None:
    """Each service with its category."""
    for node in draft["open311"].nodes:
        services = node.items("services")
        unique(services, ("service_code",), "service_code", findings)
        for service in services:
            category_in_use(service.at("category"), known, findings)
