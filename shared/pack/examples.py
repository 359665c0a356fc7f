"""The example messages of a pack: read for training and by `yijian pack check`, never by a service."""

from collections import Counter
from pathlib import Path

from pydantic import TypeAdapter

from shared.pack.draft import files_of
from shared.pack.known import Branch, Known
from shared.pack.mistakes import Findings
from shared.pack.model import Example
from shared.pack.shape import shaped
from shared.pack.source import Node, read_jsonl

ENOUGH = 5
"""Fewer examples of a leaf than this teach a classifier little."""


def read_and_check(folder: Path, known: Known, findings: Findings) -> list[Example]:
    """The examples that have the right shape; what is wrong with any of them is in the findings."""
    nodes: list[Node] = []
    mistakes_before = len(findings.mistakes)
    for path in files_of(folder, "examples/*.jsonl", findings):
        nodes += read_jsonl(path, path.as_posix(), findings.blame_in(path.as_posix()))
    whole = len(findings.mistakes) == mistakes_before
    adapter = TypeAdapter(Example)
    examples = [shaped(adapter, Example, node, findings) for node in nodes]
    _labels(nodes, known, findings)
    _no_duplicates(nodes, findings)
    if whole:
        _enough(nodes, known, findings)
    return [example for example in examples if example]


def _labels(nodes: list[Node], known: Known, findings: Findings) -> None:
    tree = {branch.code: branch for branch in known.tree}
    for node in nodes:
        known.regions.check(node.at("region"), findings)
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
    first: dict[str, Node] = {}
    for node in nodes:
        text = node.text("text").strip()
        earlier = first.setdefault(text, node)
        if text and earlier is not node:
            found = f"the same text as {earlier.file}:{earlier.line}: {text[:20]}"
            findings.mistake(node, found, "each example once, with one label")


def _enough(nodes: list[Node], known: Known, findings: Findings) -> None:
    counts = Counter(node.text("category") for node in nodes)
    for leaf in known.leaves:
        if counts[leaf.code] < ENOUGH:
            findings.warning(leaf.node, f"category `{leaf.code}` has {counts[leaf.code]} examples", f"{ENOUGH} or more")
