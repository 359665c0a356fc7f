"""What a pack defines, by code: the measure for everything in it that is named elsewhere."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from shared.pack.draft import Draft
from shared.pack.mistakes import Findings, instead
from shared.pack.source import Node


class Codes:
    """The codes of one kind, each with the place that defines it."""

    def __init__(self, what: str, nodes: list[Node], *, whole: bool, name: str = "code") -> None:
        self.what = what
        self.nodes: dict[str, Node] = {}
        for node in nodes:
            self.nodes.setdefault(node.text(name), node)
        self.whole = whole and "" not in self.nodes
        """Whether every code is here: only then can a missing one be called unknown."""

    def check(self, node: Node | None, findings: Findings) -> Node | None:
        """What the code at this place stands for; an unknown one is blamed. Nothing written, nothing wrong."""
        if node is None or node in findings.misshapen:
            return None
        if node.raw not in self.nodes and self.whole:
            findings.mistake(
                node, f"unknown {self.what} `{node.shown}`", instead(node.raw, self.nodes, f"the code of a {self.what}")
            )
        return self.nodes.get(node.raw)


@dataclass(frozen=True)
class Branch:
    """A category with its parent."""

    node: Node
    parent: Node | None
    retired: bool
    """It, or something above it."""

    @property
    def code(self) -> str:
        """The category's code as written."""
        return self.node.text("code")

    @property
    def leaf(self) -> bool:
        """Whether messages are put here: nothing is below it."""
        return not self.node.items("children")


def branches(node: Node, parent: Branch | None = None) -> Iterator[Branch]:
    """The category and everything below it, parents first."""
    branch = Branch(node, parent.node if parent else None, retired(node) or (parent is not None and parent.retired))
    yield branch
    for child in node.items("children"):
        yield from branches(child, branch)


class Known:
    """Every code of a draft, and who serves which function where."""

    def __init__(self, draft: Draft) -> None:
        self.tree = [branch for top in draft["categories"].nodes for branch in branches(top)]
        self.categories = Codes("category", [branch.node for branch in self.tree], whole=draft["categories"].whole)
        self.regions, self.departments, self.channels, self.clocks = (
            Codes(name.removesuffix("s"), draft[name].nodes, whole=draft[name].whole)
            for name in ("regions", "departments", "channels", "clocks")
        )
        self.city = draft.city.text("region")
        self.working = [node for node in draft["departments"].nodes if not retired(node)]
        self.functions = Codes("function", self.working, whole=draft["departments"].whole, name="function")
        self.served: dict[tuple[str, str], set[str]] = defaultdict(set)
        """The regions in which a function (with its level) has a department."""
        for node in self.working:
            self.served[node.text("function"), node.text("level")].add(node.text("region"))

    @property
    def leaves(self) -> list[Branch]:
        """The categories in use that messages are put into."""
        return [branch for branch in self.tree if branch.leaf and not branch.retired]

    @property
    def districts(self) -> list[Node]:
        """The regions right below the city's own, those in use."""
        inside = (node for node in self.regions.nodes.values() if self.city and node.text("parent") == self.city)
        return [node for node in inside if not retired(node)]

    @cached_property
    def retired_categories(self) -> set[str]:
        """Those with everything below them."""
        return {branch.code for branch in self.tree if branch.retired}


def retired(node: Node) -> bool:
    """Whether it is kept for what was written earlier, and gets nothing new."""
    return node.text("retired").lower() in ("true", "yes", "on")


def conditions(node: Node) -> dict[str, set[str]]:
    """The `when` of a route or a clock: only what restricts. A text in place of a list is blamed elsewhere, and clearly meant."""
    when = node.at("when")
    given = (
        {str(name): {item.raw for item in part.items() or [part] if item.raw} for name, part in when.parts.items()}
        if when
        else {}
    )
    return {name: values for name, values in given.items() if values}


def within(code: str, ancestors: set[str]) -> bool:
    """Whether the category is one of these or below one."""
    parts = code.split(".")
    return any(".".join(parts[:count]) in ancestors for count in range(1, len(parts) + 1))


def targets(route: Node) -> list[Node]:
    """Who handles what the route takes: the responsible one first."""
    return [target for target in (route.at("to"), *route.items("co")) if target and isinstance(target.value, dict)]
