"""What many checks ask: that something is said, said once, and that what it names is there and in use."""

from collections.abc import Iterable

from shared.pack.known import Codes, Known, retired
from shared.pack.mistakes import Findings
from shared.pack.source import Node


def unique_names(nodes: list[Node], findings: Findings) -> None:
    """A retired code may keep the name that its successor has now."""
    used = [node for node in nodes if not retired(node)]
    for language in ("zh", "en"):
        unique(used, ("name", language), "name", findings)


def unique(nodes: Iterable[Node], steps: tuple[str, ...], what: str, findings: Findings) -> None:
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


def says_something(node: Node, field: str, findings: Findings) -> None:
    """A text that has to be there is there in one language at least."""
    not_empty(node.at(field), field, findings)


def not_empty(text: Node | None, name: str, findings: Findings) -> None:
    """The same for a text that is an element of a list."""
    if text and isinstance(text.value, dict) and not any(part.raw.strip() for part in text.parts.values()):
        findings.mistake(text, f"`{name}` says nothing", f"`{name}: {{zh: …, en: …}}`, in one language at least")


def in_use(node: Node | None, codes: Codes, findings: Findings) -> Node | None:
    """What the code stands for, when it is known and not retired."""
    found = codes.check(node, findings)
    if node is None or found is None or not retired(found):
        return found
    heirs = ", ".join(heir.raw for heir in found.items("successors"))
    findings.mistake(
        node, f"{codes.what} `{node.raw}` is retired", f"its successor: {heirs}" if heirs else f"a {codes.what} in use"
    )
    return None


def working_department(node: Node | None, known: Known, findings: Findings) -> None:
    """One that can be given something to do."""
    department = known.departments.check(node, findings)
    if node and department and retired(department):
        findings.mistake(node, f"department `{node.raw}` is retired", "one that still takes cases")


def category_in_use(node: Node | None, known: Known, findings: Findings) -> None:
    """It exists, and neither it nor what it stands under is retired."""
    if node and known.categories.check(node, findings) and node.raw in known.retired_categories:
        findings.mistake(node, f"category `{node.raw}` is retired", "a category in use")


def serves(node: Node, known: Known, findings: Findings, level: str = "") -> None:
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
