"""Reading the files of a pack so that every value still knows the line it came from.

A `Node` is a value with its place. Checks work on nodes, not on validated models: so one bad field hides no other mistake.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as Loader
else:  # libyaml composes ten times faster; without it a pack loads all the same
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Step: TypeAlias = str | int
"""A field's name, or an index in a list."""
Place: TypeAlias = tuple[Step, ...]
Blame: TypeAlias = Callable[[int, str, str], None]
"""Called with the line, what was found and what would be right."""
SHOWN_AT_MOST = 60
PLAIN_TEXT = "tag:yaml.org,2002:str"


@dataclass(eq=False, slots=True)
class Node:
    """A value with the place where it was written."""

    file: str
    line: int
    value: object = None
    """What the models validate."""
    raw: str = ""
    """A scalar as it was written: `990100` without quotes is a number, but everybody sees which region is meant."""
    parts: dict[Step, "Node"] = field(default_factory=dict)

    def at(self, *steps: Step) -> "Node | None":
        """The part under these steps; None when it is not there or null."""
        node: Node | None = self
        for step in steps:
            node = node.parts.get(step) if node else None
        return None if node is None or node.value is None else node

    def text(self, *steps: Step) -> str:
        """The scalar under these steps as it was written, empty where there is none."""
        node = self.at(*steps)
        return node.raw if node else ""

    @property
    def shown(self) -> str:
        """The scalar for a message: on one line, and not all of a long one."""
        return " ".join(self.raw[:SHOWN_AT_MOST].split())

    def items(self, *steps: Step) -> list["Node"]:
        """The elements of the list under these steps; nothing where there is no list."""
        node = self.at(*steps)
        return [part for step, part in node.parts.items() if isinstance(step, int)] if node else []

    def nearest(self, *steps: Step) -> "Node":
        """The part under as many of these steps as there are: the place of something that is missing."""
        node = self
        for step in steps:
            node = node.parts.get(step, node)
        return node


def read_text(path: Path, blame: Blame) -> str | None:
    """The file's text, or None with the blame laid."""
    try:
        data = path.read_bytes()
    except OSError as error:
        blame(0, f"cannot be read ({error.strerror or error})", "a readable file is needed here")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        blame(data.count(b"\n", 0, error.start) + 1, f"byte {data[error.start]:#04x} is not UTF-8", "save the file as UTF-8")
        return None


def read_yaml(path: Path, name: str, blame: Blame) -> Node | None:
    """The file as a tree of nodes that call it `name`; None when it cannot be understood at all."""
    text = read_text(path, blame)
    if text is None:
        return None
    try:
        loader = Loader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        blame(_line_of(error, text), f"not YAML: {_problem(error)}", "mend the syntax; quote texts that contain `: ` or ` #`")
        return None
    return _Tree(loader, name, blame).grow(root) if root else Node(name, 1)


def read_jsonl(path: Path, name: str, blame: Blame) -> Iterator[Node]:
    """One node a line; a line that is not a JSON object is blamed and left out."""
    # Not splitlines(): JSON texts may contain U+2028 and its like unescaped.
    for number, line in enumerate((read_text(path, blame) or "").split("\n"), 1):
        if line.strip() and (node := _json_node(line, name, number, blame)):
            yield node


def _json_node(line: str, name: str, number: int, blame: Blame) -> Node | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        blame(number, f"not JSON: {error}", "one JSON object a line")
        return None
    if not isinstance(value, dict):
        blame(number, f"not a JSON object: {line.strip()[:40]}", 'one object a line: {"text": …, "category": …}')
        return None
    return _grown(value, name, number)


def _grown(value: object, name: str, number: int) -> Node:
    """JSON as a node with everything below it, all on this line."""
    if isinstance(value, dict | list):
        below = value.items() if isinstance(value, dict) else enumerate(value)
        return Node(name, number, value, parts={step: _grown(part, name, number) for step, part in below})
    return Node(name, number, value, str(value))


@dataclass
class _Tree:
    """Turns composed YAML into nodes. Aliases are refused: a reader should find a value where it counts."""

    loader: Loader
    name: str
    blame: Blame
    grown: dict[yaml.Node, Node] = field(default_factory=dict)

    def grow(self, node: yaml.Node, key: yaml.Node | None = None) -> Node:
        """The node with everything below it; a field stands where its name stands."""
        line = (key or node).start_mark.line + 1
        if node in self.grown:  # the composer puts the anchor's node again wherever its alias stands
            self.blame(line, "a YAML alias (`*name`)", "write the value out here")
            return self.grown[node]
        grown = self.grown[node] = Node(self.name, line)
        self._fill(grown, node)
        return grown

    def _fill(self, grown: Node, node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            self._fill_mapping(grown, node)
        elif isinstance(node, yaml.SequenceNode):
            grown.parts = {index: self.grow(item) for index, item in enumerate(node.value)}
            grown.value = [part.value for part in grown.parts.values()]
        else:
            grown.raw, grown.value = node.value, self._scalar(node)

    def _fill_mapping(self, grown: Node, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.blame(line, "a field whose name is a list or a mapping", "quote texts that begin with `[`, `{` or `?`")
            elif key.value in grown.parts:
                self.blame(line, f"field `{key.value}` a second time (YAML would forget the first)", "keep one of them")
            else:  # a name is text as written: `on` and `no` are not booleans here
                grown.parts[key.value] = self.grow(value, key)
        grown.value = {step: part.value for step, part in grown.parts.items()}

    def _scalar(self, node: yaml.Node) -> object:
        if node.tag == PLAIN_TEXT:  # most of a pack; the constructor would take four times as long
            return node.value
        try:
            value: object = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.blame(node.start_mark.line + 1, f"`{node.value}` cannot be read: {_problem(error)}", "put texts in quotes")
            return node.value
        return value


def _problem(error: Exception) -> str:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    begun = getattr(error, "context_mark", None)  # where the bracket or quote stands that is never closed
    return f"{problem} ({error.context}, line {begun.line + 1})" if isinstance(error, yaml.MarkedYAMLError) and begun else problem


def _line_of(error: yaml.YAMLError, text: str) -> int:
    if mark := getattr(error, "problem_mark", None):
        return int(mark.line) + 1
    # A character that YAML forbids: libyaml gives its position in bytes, PyYAML in characters, both its code.
    character = getattr(error, "character", None)
    position = text.find(chr(character)) if isinstance(character, int) else 0
    return text.count("\n", 0, max(position, 0)) + 1
