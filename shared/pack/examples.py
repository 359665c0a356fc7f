"""The example messages of a pack: read for training and by `yijian pack check`, never by a service."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter

from shared.pack.comparing import in_use, working_department
from shared.pack.draft import files_of
from shared.pack.known import Branch, Known
from shared.pack.mistakes import Findings
from shared.pack.model import Example, Pack, Reserved
from shared.pack.near import near
from shared.pack.reserved import wrong_numbers
from shared.pack.routing import Routing
from shared.pack.shape import shaped
from shared.pack.source import Node, read_jsonl
from shared.pack.telling import alike

Read: TypeAlias = list[tuple[Node, Example]]
"""Examples of the right shape, each with its place."""
ENOUGH = 6
"""Fewer examples of a leaf than this teach a classifier little."""


def read_and_check(folder: Path, known: Known, pack: Pack | None, findings: Findings) -> list[Example]:
    """The examples that have the right shape; what is wrong with any of them is in the findings.

    Without a pack, when it has mistakes of its own, nobody can say whom its routes would give them to.
    """
    nodes: list[Node] = []
    mistakes_before = len(findings.mistakes)
    for path in files_of(folder, "examples/*.jsonl", findings):
        nodes += read_jsonl(path, path.as_posix(), findings.blame_in(path.as_posix()))
    whole = len(findings.mistakes) == mistakes_before
    read = list(_shaped(nodes, findings))
    _labels(nodes, known, findings)
    _no_duplicates(nodes, findings)
    _places_are_named(read, findings)
    if pack:
        _numbers_are_nobodys(read, pack.city.reserved, findings)
        _routes_agree(read, pack, findings)
    if whole:
        _enough(nodes, known, findings)
        _told_apart(read, known, findings)
    return [example for _, example in read]


def _shaped(nodes: list[Node], findings: Findings) -> Iterator[tuple[Node, Example]]:
    adapter = TypeAdapter(Example)
    for node in nodes:
        if example := shaped(adapter, Example, node, findings):
            yield node, example


def _labels(nodes: list[Node], known: Known, findings: Findings) -> None:
    tree = {branch.code: branch for branch in known.tree}
    for node in nodes:
        in_use(node.at("region"), known.regions, findings)
        working_department(node.at("department"), known, findings)
        known.channels.check(node.at("channel"), findings)
        if known.categories.check(node.at("category"), findings):
            _label_is_in_use(node, tree[node.text("category")], findings)


def _label_is_in_use(node: Node, branch: Branch, findings: Findings) -> None:
    if branch.retired:
        findings.mistake(node, f"an example of the retired category `{branch.code}`", "a category in use")
    elif not branch.leaf:
        below = ", ".join(child.text("code") for child in branch.node.items("children"))
        findings.mistake(node, f"an example of `{branch.code}`, which has categories below it", f"one of {below}")


def _no_duplicates(nodes: list[Node], findings: Findings) -> None:
    """Neither the same nor nearly the same: each example is blamed once."""
    first: dict[str, Node] = {}
    different: list[Node] = []
    for node in nodes:
        text = node.text("text").strip()
        earlier = first.setdefault(text, node)
        if earlier is node:
            different.append(node)
        elif text:
            found = f"the same text as {earlier.file}:{earlier.line}: {text[:20]}"
            findings.mistake(node, found, "each example once, with one label")
    for number, other in near([node.text("title") + node.text("text").strip() for node in different]):
        node, earlier = different[number], different[other]
        found = f"nearly the same text as {earlier.file}:{earlier.line}: {node.text('text').strip()[:20]}"
        findings.mistake(node, found, "another thing said in other words, or leave it out")


def _places_are_named(read: Read, findings: Findings) -> None:
    for node, example in read:
        for number, name in enumerate(example.places):
            if name not in example.title and name not in example.text:
                place = node.nearest("places", number)
                findings.mistake(place, f"place `{name}` is not in the text", "the name as it stands in the title or the text")


def _numbers_are_nobodys(read: Read, reserved: Reserved, findings: Findings) -> None:
    for node, example in read:
        for wrong in wrong_numbers(f"{example.title}\n{example.text}", reserved):
            findings.mistake(node, wrong.found, wrong.expected)


def _routes_agree(read: Read, pack: Pack, findings: Findings) -> None:
    """Each example that says who should get it is a test of the routes, by its own labels."""
    routing = Routing(pack)
    for node, example in read:
        if routing.takes_cases(example.department or "") and example.category in pack.category_by_code:
            choice = routing.choose(routing.facts_of(example))
            department, rule = (choice.department, choice.route.name) if choice else (pack.city.catch_all, "catch-all")
            if department != example.department:
                found = f"the routes lead to `{department}` (rule `{rule}`), not to `{example.department}`"
                findings.mistake(node.nearest("department"), found, "other labels, or a route that leads there")


def _enough(nodes: list[Node], known: Known, findings: Findings) -> None:
    counts = Counter(node.text("category") for node in nodes)
    for leaf in known.leaves:
        if counts[leaf.code] < ENOUGH:
            findings.warning(leaf.node, f"category `{leaf.code}` has {counts[leaf.code]} examples", f"{ENOUGH} or more")


def _told_apart(read: Read, known: Known, findings: Findings) -> None:
    place = {leaf.code: leaf.node for leaf in known.leaves}
    taught = [example for _, example in read if example.category in place]
    texts = [f"{example.title}\n{example.text}" for example in taught]
    described = {leaf.code: _described(leaf.node) for leaf in known.leaves}
    for pair in alike(texts, [example.category for example in taught], described):
        found = f"the examples of `{pair.one}` and `{pair.other}` cannot be told apart ({pair.wrong:.0%} are nearer to the other)"
        findings.warning(place[pair.one], found, "draw the border elsewhere, or make one leaf of them")


def _described(leaf: Node) -> str:
    texts = [leaf.text(field, language) for field in ("name", "definition") for language in ("zh", "en")]
    return "\n".join([*texts, *(synonym.raw for synonym in leaf.items("synonyms"))])
