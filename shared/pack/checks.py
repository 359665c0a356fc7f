"""What must fit across the files of a pack. Each check looks at one thing and goes on after a mistake.

Checks read nodes as they were written, so a file with a mistake of shape is compared with the others all the same.
"""

from zoneinfo import ZoneInfo

from shared.pack.checks_calendar import check_calendar
from shared.pack.checks_departments import check_departments
from shared.pack.checks_matters import check_crosswalks, check_matters, check_open311, check_replies, check_returns
from shared.pack.checks_places import check_gazetteer, check_regions
from shared.pack.comparing import in_use, says_something, serves, unique, unique_names, working_department
from shared.pack.draft import Draft
from shared.pack.known import Known, conditions, targets, within
from shared.pack.mistakes import Findings
from shared.pack.routes import Target
from shared.pack.source import Node


def check(draft: Draft, known: Known, findings: Findings) -> None:
    """Every mistake that shows only when the files are compared."""
    for look in CHECKS:
        look(draft, known, findings)


def _city(draft: Draft, known: Known, findings: Findings) -> None:
    says_something(draft.city, "title", findings)
    known.regions.check(draft.city.at("region"), findings)
    for desk in ("catch_all", "test_desk"):
        working_department(draft.city.at(desk), known, findings)
    _timezone(draft.city.at("timezone"), findings)


def _timezone(node: Node | None, findings: Findings) -> None:
    if node is None or node in findings.misshapen:
        return
    try:
        ZoneInfo(node.raw)
    except (ValueError, OSError, LookupError):
        findings.mistake(node, f"unknown timezone `{node.shown}`", "a name such as Asia/Shanghai or Europe/London")


def _categories(draft: Draft, known: Known, findings: Findings) -> None:
    unique([branch.node for branch in known.tree], ("code",), "code", findings)
    unique_names(draft["categories"].nodes, findings)
    for branch in known.tree:
        says_something(branch.node, "name", findings)
        unique_names(branch.node.items("children"), findings)
        _belongs_to_parent(branch.node, branch.parent, findings)
        serves(branch.node, known, findings)


def _belongs_to_parent(node: Node, parent: Node | None, findings: Findings) -> None:
    code = node.at("code")
    if code is None or code in findings.misshapen:
        return
    above = code.raw.rpartition(".")[0]
    if parent is None and above:
        findings.mistake(
            code, f"first-level category `{code.raw}`", "one part without a dot; deeper levels stand under `children`"
        )
    elif parent and parent.text("code") and above != parent.text("code"):
        own = code.raw.rpartition(".")[2]
        findings.mistake(code, f"category `{code.raw}` stands under `{parent.text('code')}`", f"`{parent.text('code')}.{own}`")


def _channels(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["channels"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)
        clock = node.at("clock") or Node(node.file, node.line, raw="standard")  # the model's default
        known.clocks.check(clock, findings)


def _clocks(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["clocks"].nodes
    unique(nodes, ("code",), "code", findings)
    unique_names(nodes, findings)
    for node in nodes:
        says_something(node, "name", findings)
        _conditions_are_known(node, known, findings)
        _whole_days(node, findings)
    for node in nodes[:-1]:
        if not conditions(node):
            findings.mistake(node, f"clock `{node.text('code')}` holds always, so none after it is reached", "put it last")
    if draft["clocks"].whole and not (nodes and not conditions(nodes[-1])):
        last = nodes[-1] if nodes else draft["clocks"].home
        findings.mistake(last, "no clock for what meets no condition", "a last clock with `when: {}`")


def _whole_days(clock: Node, findings: Findings) -> None:
    """Half of a workday, or of a day that runs to its end, is nothing that people can reckon with."""
    days = clock.at("resolve_days")
    whole = clock.text("days") == "workdays" or clock.text("first_day") in ("next_day", "next_workday")
    if whole and days and isinstance(days.value, float) and not days.value.is_integer():
        findings.mistake(days, f"{days.raw} days where whole days are counted", "a whole number")


def _routes(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["routes"].nodes
    unique(nodes, ("name",), "name", findings)
    for node in nodes:
        says_something(node, "why", findings)
        _conditions_are_known(node, known, findings)
        for target in targets(node):
            _target(target, known, findings)


def _conditions_are_known(node: Node, known: Known, findings: Findings) -> None:
    for name, codes in (("category", known.categories), ("channel", known.channels)):
        for item in node.items("when", name):
            codes.check(item, findings)
    for item in node.items("when", "region"):  # a retired one never holds: a message from there is where its successors are
        in_use(item, known.regions, findings)


def _target(target: Node, known: Known, findings: Findings) -> None:
    """A function or a department, one of them."""
    given = [name for name in ("function", "department") if target.at(name)]
    misspelt = not set(target.parts) <= set(Target.model_fields)
    if len(given) != 1 and not misspelt:
        found = " and ".join(f"`{name}`" for name in given) or "neither function nor department"
        findings.mistake(target, f"a target with {found}", "`function: …` (with its level) or `department: …`")
    working_department(target.at("department"), known, findings)
    serves(target, known, findings, level=target.text("level") or "city")


def _leaves_have_routes(draft: Draft, known: Known, findings: Findings) -> None:
    """Somebody has thought of who handles each leaf. A rule for every category (a catch-all) does not count as thought."""
    routed = {code for node in draft["routes"].nodes for code in conditions(node).get("category", ())}
    if not draft["routes"].whole:
        return
    for leaf in known.leaves:
        if leaf.code and not within(leaf.code, routed):
            findings.mistake(
                leaf.node, f"no route takes category `{leaf.code}`", f"a route with `when: {{category: [{leaf.code}]}}`"
            )


CHECKS = (
    _city,
    check_regions,
    check_gazetteer,
    check_departments,
    _categories,
    _channels,
    check_calendar,
    _clocks,
    _routes,
    _leaves_have_routes,
    check_matters,
    check_returns,
    check_replies,
    check_crosswalks,
    check_open311,
)
"""In the order in which one would read a pack."""
