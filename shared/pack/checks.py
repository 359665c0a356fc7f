"""What must fit across the files of a pack. Each check looks at one thing and goes on after a mistake.

Checks read nodes as they were written, so a file with a mistake of shape is compared with the others all the same.
"""

from collections.abc import Iterable

from shared.pack.draft import Draft
from shared.pack.known import Codes, Known, conditions, retired, targets, within
from shared.pack.mistakes import Findings
from shared.pack.routes import Target
from shared.pack.source import Node


def check(draft: Draft, known: Known, findings: Findings) -> None:
    """Every mistake that shows only when the files are compared."""
    for look in (_city, _regions, _departments, _categories, _channels, _clocks, _routes, _leaves_have_routes):
        look(draft, known, findings)


def _city(draft: Draft, known: Known, findings: Findings) -> None:
    _says_something(draft.city, "title", findings)
    known.regions.check(draft.city.at("region"), findings)
    for desk in ("catch_all", "test_desk"):
        _working_department(draft.city.at(desk), known, findings)


def _regions(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["regions"].nodes
    _unique(nodes, ("code",), "code", findings)
    for node in nodes:
        _says_something(node, "name", findings)
        known.regions.check(node.at("parent"), findings)
        if known.city and not node.at("parent") and node.text("code") not in ("", known.city):
            findings.mistake(
                node, f"region `{node.text('code')}` has no parent", f"`parent: …`: only the city's own ({known.city}) has none"
            )
    _no_circles(known.regions, findings)
    _names_place_one_region(nodes, findings)


def _no_circles(regions: Codes, findings: Findings) -> None:
    """Follows every region's parents upwards; each circle is named once."""
    settled: set[str] = set()
    for code in regions.nodes:
        path: list[str] = []
        above = code
        while above in regions.nodes and above not in settled and above not in path:
            path.append(above)
            above = regions.nodes[above].text("parent")
        if above in path:
            circle = " → ".join([*path[path.index(above) :], above])
            findings.mistake(
                regions.nodes[above].nearest("parent"), f"regions in a circle: {circle}", "parents that lead to the city"
            )
        settled.update(path)


def _names_place_one_region(nodes: list[Node], findings: Findings) -> None:
    """A text is placed by these names: one that means two regions places nothing."""
    taken: dict[str, Node] = {}
    for region in nodes:
        names = [region.at("name", "zh"), region.at("name", "en"), *region.items("aliases"), *region.items("places")]
        for name in filter(None, names):
            owner = taken.setdefault(name.raw, region)
            if name.raw and owner is not region:
                found = f"`{name.shown}` names region {owner.text('code')} already ({owner.file}:{owner.line})"
                findings.mistake(name, found, "a name that belongs to one region only")


def _departments(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["departments"].nodes
    _unique(nodes, ("code",), "code", findings)
    _unique_names(nodes, findings)
    for node in nodes:
        _says_something(node, "name", findings)
        known.regions.check(node.at("region"), findings)
        _level_fits_region(node, known, findings)


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


def _categories(draft: Draft, known: Known, findings: Findings) -> None:
    _unique([branch.node for branch in known.tree], ("code",), "code", findings)
    _unique_names(draft["categories"].nodes, findings)
    for branch in known.tree:
        _says_something(branch.node, "name", findings)
        _unique_names(branch.node.items("children"), findings)
        _belongs_to_parent(branch.node, branch.parent, findings)
        _serves(branch.node, known, findings)


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
    _unique(nodes, ("code",), "code", findings)
    _unique_names(nodes, findings)
    for node in nodes:
        _says_something(node, "name", findings)
        clock = node.at("clock") or Node(node.file, node.line, raw="standard")  # the model's default
        known.clocks.check(clock, findings)


def _clocks(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["clocks"].nodes
    _unique(nodes, ("code",), "code", findings)
    _unique_names(nodes, findings)
    for node in nodes:
        _says_something(node, "name", findings)
        _conditions_are_known(node, known, findings)
    for node in nodes[:-1]:
        if not conditions(node):
            findings.mistake(node, f"clock `{node.text('code')}` holds always, so none after it is reached", "put it last")
    if draft["clocks"].whole and not (nodes and not conditions(nodes[-1])):
        last = nodes[-1] if nodes else draft["clocks"].home
        findings.mistake(last, "no clock for what meets no condition", "a last clock with `when: {}`")


def _routes(draft: Draft, known: Known, findings: Findings) -> None:
    nodes = draft["routes"].nodes
    _unique(nodes, ("name",), "name", findings)
    for node in nodes:
        _says_something(node, "why", findings)
        _conditions_are_known(node, known, findings)
        for target in targets(node):
            _target(target, known, findings)


def _conditions_are_known(node: Node, known: Known, findings: Findings) -> None:
    for name, codes in (("category", known.categories), ("region", known.regions), ("channel", known.channels)):
        for item in node.items("when", name):
            codes.check(item, findings)


def _target(target: Node, known: Known, findings: Findings) -> None:
    """A function or a department, one of them."""
    given = [name for name in ("function", "department") if target.at(name)]
    misspelt = not set(target.parts) <= set(Target.model_fields)
    if len(given) != 1 and not misspelt:
        found = " and ".join(f"`{name}`" for name in given) or "neither function nor department"
        findings.mistake(target, f"a target with {found}", "`function: …` (with its level) or `department: …`")
    _working_department(target.at("department"), known, findings)
    _serves(target, known, findings, level=target.text("level") or "city")


def _serves(node: Node, known: Known, findings: Findings, level: str = "") -> None:
    """Somebody has the function at that level."""
    function = node.at("function")
    level = level or node.text("level")
    if known.functions.check(function, findings) is None or function is None or level not in ("city", "district"):
        return
    if known.functions.whole and not known.served.get((function.raw, level)):
        other = "district" if level == "city" else "city"
        findings.mistake(
            function, f"no {level} department has function `{function.raw}`", f"`level: {other}`, or such a department"
        )


def _working_department(node: Node | None, known: Known, findings: Findings) -> None:
    department = known.departments.check(node, findings)
    if node and department and retired(department):
        findings.mistake(node, f"department `{node.raw}` is retired", "one that still takes cases")


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


def _unique_names(nodes: list[Node], findings: Findings) -> None:
    """A retired code may keep the name that its successor has now."""
    used = [node for node in nodes if not retired(node)]
    for language in ("zh", "en"):
        _unique(used, ("name", language), "name", findings)


def _unique(nodes: Iterable[Node], steps: tuple[str, ...], what: str, findings: Findings) -> None:
    """No two of these say the same at that place."""
    first: dict[str, Node] = {}
    for part in filter(None, (node.at(*steps) for node in nodes)):
        if not part.raw:
            continue
        earlier = first.setdefault(part.raw, part)
        if earlier is not part:
            findings.mistake(
                part, f"{what} `{part.shown}` a second time (first {earlier.file}:{earlier.line})", f"a {what} of its own"
            )


def _says_something(node: Node, field: str, findings: Findings) -> None:
    text = node.at(field)
    if text and isinstance(text.value, dict) and not any(part.raw.strip() for part in text.parts.values()):
        findings.mistake(text, f"`{field}` says nothing", f"`{field}: {{zh: …, en: …}}`, in one language at least")
