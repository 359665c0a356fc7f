"""What must fit among the regions, and between them and the gazetteer."""

from shared.pack.comparing import in_use, says_something, unique
from shared.pack.draft import Draft
from shared.pack.known import Codes, Known, retired
from shared.pack.mistakes import Findings
from shared.pack.source import Node

_DIGITS = {"city": 6, "district": 6, "county": 6, "street": 9, "community": 12}
_UPPER = ("city", "district", "county")


def check_regions(draft: Draft, known: Known, findings: Findings) -> None:
    """The regions among themselves."""
    nodes = draft["regions"].nodes
    unique(nodes, ("code",), "code", findings)
    for node in nodes:
        says_something(node, "name", findings)
        _parent(node, known, findings)
        _shape(node, findings)
        _succession(node, known, findings)
    _no_circles(known.regions, findings)
    _no_heir_of_itself(known.regions, findings)
    _names_place_one_region([node for node in nodes if not retired(node)], findings)


def check_gazetteer(draft: Draft, known: Known, findings: Findings) -> None:
    """The places with the regions they lie in."""
    first: dict[tuple[str, str], Node] = {}
    for node in draft["gazetteer"].nodes:
        for region in node.items("regions"):
            in_use(region, known.regions, findings)
        name, kind = node.text("name"), node.text("kind")
        earlier = first.setdefault((name, kind), node)
        if name and earlier is not node:
            found = f"{kind} `{name}` a second time (first {earlier.file}:{earlier.line})"
            findings.mistake(node, found, "one entry, with all the regions it lies in")


def _parent(node: Node, known: Known, findings: Findings) -> None:
    above = known.regions.check(node.at("parent"), findings)
    if known.city and not node.at("parent") and node.text("code") not in ("", known.city):
        findings.mistake(
            node, f"region `{node.text('code')}` has no parent", f"`parent: …`: only the city's own ({known.city}) has none"
        )
    if above and retired(above) and not retired(node):
        found = f"region `{node.text('code')}` lies in `{above.text('code')}`, which is retired"
        findings.mistake(node.nearest("parent"), found, "a parent in use")


def _shape(node: Node, findings: Findings) -> None:
    """A street's code is its parent's and three digits, a community's again."""
    code, parent, level = node.at("code"), node.at("parent"), node.text("level")
    if code is None or code in findings.misshapen:
        return
    digits = _DIGITS.get(level, len(code.raw))
    if len(code.raw) != digits:
        findings.mistake(code, f"a {level} whose code `{code.raw}` has {len(code.raw)} digits", f"{digits} digits")
    elif digits > 6 and parent and parent.raw != code.raw[:-3]:
        remedy = f'`parent: "{code.raw[:-3]}"`, or a code of `{parent.raw}` and three digits'
        findings.mistake(parent, f"region `{code.raw}` stands under `{parent.raw}`", remedy)


def _succession(node: Node, known: Known, findings: Findings) -> None:
    for heir in node.items("successors"):
        known.regions.check(heir, findings)
    for field in ("since", "successors"):
        if node.at(field) and not retired(node):
            found = f"`{field}` of region `{node.text('code')}`, which is in use"
            findings.mistake(node.nearest(field), found, f"`retired: true`, or no `{field}`")


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


def _no_heir_of_itself(regions: Codes, findings: Findings) -> None:
    """Each circle of successors is named once, where it is first met."""
    named: set[str] = set()
    for code, node in regions.nodes.items():
        heirs = _heirs(code, regions)
        if code in heirs and code not in named:
            named |= heirs
            findings.mistake(
                node.nearest("successors"), f"region `{code}` comes after itself", "successors that lead to regions in use"
            )


def _heirs(code: str, regions: Codes) -> set[str]:
    """All that came after the region."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        region = regions.nodes.get(waiting.pop())
        fresh = {heir.raw for heir in region.items("successors")} - found if region else set()
        found |= fresh
        waiting += fresh
    return found


def _names_place_one_region(nodes: list[Node], findings: Findings) -> None:
    """A text is placed by these names: one that means two regions places nothing.

    Streets and communities share names all over a country; there another name in the text tells which is meant.
    """
    upper: dict[str, Node] = {}
    lower: dict[tuple[str, str], Node] = {}
    for region in sorted(nodes, key=lambda node: node.text("level") not in _UPPER):  # stable: the upper ones first
        for name in _names(region):
            if region.text("level") in _UPPER:
                owner = upper.setdefault(name.raw, region)
            else:
                owner = upper.get(name.raw) or lower.setdefault((region.text("parent"), name.raw), region)
            if owner is not region:
                found = f"`{name.shown}` names region {owner.text('code')} already ({owner.file}:{owner.line})"
                findings.mistake(name, found, "a name that belongs to one region only")


def _names(region: Node) -> list[Node]:
    names = [region.at("name", "zh"), region.at("name", "en"), *region.items("aliases"), *region.items("places")]
    return [name for name in names if name and name.raw]
