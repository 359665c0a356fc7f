"""What works but is perhaps not meant: warnings for the authors of a pack. Services never look here."""

import re

from shared.pack.draft import Draft
from shared.pack.known import Known, conditions, targets, within
from shared.pack.mistakes import Findings, instead
from shared.pack.source import Node

_QUOTED = re.compile("「([^」]*)」")


def doubt(draft: Draft, known: Known, findings: Findings) -> None:
    """Every warning that shows when the files are compared; with half of them unread there is nothing to say."""
    if not all(section.whole for section in draft.sections.values()):
        return
    for look in (
        _districts_without_function,
        _idle_departments,
        _rivals,
        _unexplained_leaves,
        _namesakes,
        _references_to_nothing,
        _half_routed_leaves,
        _unreachable_routes,
        _uncounted_workdays,
    ):
        look(draft, known, findings)


def _districts_without_function(draft: Draft, known: Known, findings: Findings) -> None:
    """Each function once, where a route first asks for it in the districts."""
    asked: dict[str, Node] = {}
    for target in (target for route in draft["routes"].nodes for target in targets(route)):
        if target.text("level") == "district" and target.text("function"):
            asked.setdefault(target.text("function"), target)
    for function, target in asked.items():
        _district_gaps(function, target, known, findings)


def _district_gaps(function: str, target: Node, known: Known, findings: Findings) -> None:
    served = known.served.get((function, "district"), set())
    gaps = [node.text("name", "zh") or node.text("code") for node in known.districts if node.text("code") not in served]
    if served and gaps:
        findings.warning(target, f"function `{function}` is missing in {', '.join(gaps)}", "falls to the city there")
    if served and not known.served.get((function, "city")):
        findings.warning(
            target, f"no city department has function `{function}`", "without a known district it falls to the catch-all"
        )


def _idle_departments(draft: Draft, known: Known, findings: Findings) -> None:
    """A district's rule falls to the city's department, so that one counts as routed to."""
    busy = {draft.city.text("catch_all"), draft.city.text("test_desk")}
    functions: set[tuple[str, str]] = set()
    for target in (target for route in draft["routes"].nodes for target in targets(route)):
        busy.add(target.text("department"))
        functions |= {(target.text("function"), "city"), (target.text("function"), target.text("level") or "city")}
    for node in known.working:
        if node.text("code") not in busy and (node.text("function"), node.text("level")) not in functions:
            findings.warning(
                node, f"nobody routes to department `{node.text('code')}`", "a route to its function, or `retired: true`"
            )


def _rivals(draft: Draft, known: Known, findings: Findings) -> None:
    first: dict[tuple[str, str], str] = {}
    for node in known.working:
        code, place = node.text("code"), (node.text("function"), node.text("region"))
        other = first.setdefault(place, code)
        if other != code:
            findings.warning(
                node, f"`{other}` has function `{place[0]}` in region {place[1]} too", "routes choose the first of them"
            )


def _unexplained_leaves(_: Draft, known: Known, findings: Findings) -> None:
    """People and the classifier learn from the same words what belongs in a leaf."""
    for leaf in known.leaves:
        lacking = [name for name in ("definition", "synonyms", "function", "usual_kind") if not _said(leaf.node.at(name))]
        if lacking:
            fields = " and ".join(f"`{name}`" for name in lacking)
            findings.warning(
                leaf.node, f"category `{leaf.code}` has no {fields}", "what helps people and the classifier to find it"
            )


def _namesakes(_: Draft, known: Known, findings: Findings) -> None:
    """Other categories refer to a leaf by its name, and so do people."""
    for language in ("zh", "en"):
        first: dict[str, Node] = {}
        for leaf in known.leaves:
            name = leaf.node.at("name", language)
            earlier = first.setdefault(name.raw, name) if name and name.raw else name
            if name and earlier is not name and earlier:
                found = f"two leaves are called `{name.shown}` (first {earlier.file}:{earlier.line})"
                findings.warning(name, found, "a name that tells them apart")


def _references_to_nothing(_: Draft, known: Known, findings: Findings) -> None:
    """`not_here` names in 「」 where something belongs; the classifier learns from it."""
    names = {branch.node.text("name", language) for branch in known.tree for language in ("zh", "en")}
    for branch in known.tree:
        said = branch.node.at("not_here")
        for quoted in _QUOTED.findall(" ".join(part.raw for part in said.parts.values())) if said else ():
            if quoted not in names:
                found = f"`not_here` of `{branch.code}` names 「{quoted}」"
                findings.warning(branch.node.nearest("not_here"), found, instead(quoted, names, "the exact name of a category"))


def _said(node: Node | None) -> bool:
    return bool(node and (node.raw or node.parts))


def _uncounted_workdays(draft: Draft, _: Known, findings: Findings) -> None:
    if draft["calendar"].nodes:
        return
    for node in draft["clocks"].nodes:
        if node.text("days") == "workdays" or node.text("first_day") == "next_workday":
            findings.warning(
                node, f"clock `{node.text('code')}` counts workdays without a calendar", "a calendar.yaml with the holidays"
            )
            return


def _half_routed_leaves(draft: Draft, known: Known, findings: Findings) -> None:
    """Only rules with further conditions: what meets none of them falls to the catch-all."""
    rules = [conditions(node) for node in draft["routes"].nodes]
    if any(not rule for rule in rules):
        return
    some = {code for rule in rules for code in rule.get("category", ())}
    every = {code for rule in rules if rule.keys() == {"category"} for code in rule["category"]}
    for leaf in known.leaves:
        if within(leaf.code, some) and not within(leaf.code, every):
            findings.warning(
                leaf.node, f"category `{leaf.code}` has only routes with further conditions", "the rest falls to the catch-all"
            )


def _unreachable_routes(draft: Draft, known: Known, findings: Findings) -> None:
    earlier: list[tuple[Node, dict[str, set[str]]]] = []
    for node in draft["routes"].nodes:
        mine = conditions(node)
        shadow = next((other for other, theirs in earlier if _takes_all_of(theirs, mine)), None)
        if shadow:
            place = f"`{shadow.text('name')}` ({shadow.file}:{shadow.line})"
            findings.warning(
                node, f"route `{node.text('name')}` is never reached: {place} takes all of it", "the narrower rule first"
            )
        earlier.append((node, mine))


def _takes_all_of(wide: dict[str, set[str]], narrow: dict[str, set[str]]) -> bool:
    return all(name in narrow and all(_covers(name, values, value) for value in narrow[name]) for name, values in wide.items())


def _covers(name: str, values: set[str], value: str) -> bool:
    if name == "category":
        return within(value, values)
    return value in values or (name == "words" and any(word in value for word in values))
