"""What must fit in the departments: where they are, what is below and above them, and what is not theirs."""

from collections.abc import Iterator

from shared.pack.comparing import in_use, not_empty, says_something, unique, unique_names, working_department
from shared.pack.draft import Draft
from shared.pack.known import Known, retired
from shared.pack.mistakes import Findings
from shared.pack.source import Node


def check_departments(draft: Draft, known: Known, findings: Findings) -> None:
    """Each department, and all of them together."""
    nodes = draft["departments"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)
        if retired(node):
            known.regions.check(node.at("region"), findings)
        else:
            in_use(node.at("region"), known.regions, findings)
        _level_fits_region(node, known, findings)
        _supervisor(node, known, findings)
        _belongings(node, known, findings)


def _level_fits_region(node: Node, known: Known, findings: Findings) -> None:
    """Routes find a district's department by its region, and the city's by its level."""
    region, level = node.at("region"), node.text("level")
    if region is None or not known.city or region.raw not in known.regions.nodes:
        return
    if level == "city" and region.raw != known.city:
        findings.mistake(region, f"a city department in region {region.raw}", f"region {known.city}, or `level: district`")
    if level == "district" and region.raw == known.city:
        findings.mistake(
            region, f"a district department in the city's region {region.raw}", "a district's region, or `level: city`"
        )


def _supervisor(node: Node, known: Known, findings: Findings) -> None:
    supervisor = node.at("supervisor")
    working_department(supervisor, known, findings)
    if supervisor and supervisor.raw == node.text("code"):
        findings.mistake(supervisor, f"department `{supervisor.raw}` supervises itself", "another department")


def _belongings(node: Node, known: Known, findings: Findings) -> None:
    for power in node.items("powers"):
        not_empty(power, "powers", findings)
    for other in node.items("not_ours"):
        says_something(other, "what", findings)
        known.functions.check(other.at("function"), findings)
    units = list(_units(node))
    unique(units, ("code",), "code", findings)
    for unit in units:
        says_something(unit, "name", findings)


def _units(node: Node) -> Iterator[Node]:
    """Everything below a department."""
    for unit in node.items("units"):
        yield unit
        yield from _units(unit)
