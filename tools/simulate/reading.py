"""Reading the `traffic` folder of a pack: every mistake in it at once, with file and line."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.pack.mistakes import BadPack, Findings, instead
from shared.pack.model import Pack
from shared.pack.shape import shaped
from shared.pack.source import Node, read_yaml
from tools.simulate.plan import Event, Group, PolicyPair, Project, Rhythm, Supply, Traffic, Wording

FOLDER = "traffic"
PARTS: dict[str, Any] = {
    "rhythm": Rhythm,
    "groups": tuple[Group, ...],
    "wording": Wording,
    "projects": tuple[Project, ...],
    "policies": tuple[PolicyPair, ...],
    "supply": Supply,
}
"""File by file; every other file is a list of events."""
_NAMES = {
    "category": "category",
    "categories": "category",
    "region": "region",
    "regions": "region",
    "controls": "region",
    "seekers": "region",
    "openings": "region",
    "channel": "channel",
    "channels": "channel",
    "doors": "channel",
    "groups": "group",
}
"""Under such a field stand codes of such things, alone, in a list, or as the names of fields."""


def read_traffic(folder: Path, pack: Pack) -> Traffic:
    """The pack's traffic, or a plain one where there is no folder. Raises `BadPack`."""
    findings = Findings()
    parts: dict[str, Any] = {"events": ()}
    nodes: list[Node] = []
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        if root := read_yaml(path, path.as_posix(), findings.blame_in(path.as_posix())):
            nodes.append(root)
            _take(parts, path.stem, root, findings)
    traffic = Traffic(**{name: value for name, value in parts.items() if value is not None})
    _check_codes(nodes, pack, traffic, findings)
    if findings.mistakes:
        raise BadPack(sorted(findings.mistakes))
    return traffic


def _take(parts: dict[str, Any], name: str, root: Node, findings: Findings) -> None:
    if name in PARTS:
        parts[name] = shaped(TypeAdapter(PARTS[name]), PARTS[name], root, findings)
    else:
        parts["events"] += shaped(TypeAdapter(tuple[Event, ...]), tuple[Event, ...], root, findings) or ()


def _check_codes(nodes: list[Node], pack: Pack, traffic: Traffic, findings: Findings) -> None:
    known: dict[str, Iterable[str]] = {
        "category": pack.category_by_code,
        "region": pack.region_by_code,
        "channel": pack.channel_by_code,
        "group": traffic.group_by_code,
    }
    for kind, node, code in (found for root in nodes for found in _codes(root)):
        if code not in known[kind]:
            findings.mistake(node, f"{kind} `{code}` is unknown", instead(code, known[kind], f"a {kind} of the pack"))
    _no_code_twice(traffic, nodes, findings)


def _codes(node: Node) -> Iterator[tuple[str, Node, str]]:
    for step, part in node.parts.items():
        kind = _NAMES.get(str(step))
        if kind and not any(inner.parts for inner in part.parts.values()):
            yield from ((kind, place, code) for place, code in _codes_in(part))
        else:
            yield from _codes(part)


def _codes_in(part: Node) -> Iterator[tuple[Node, str]]:
    if isinstance(part.value, Mapping):
        yield from ((inner, str(step)) for step, inner in part.parts.items())
    elif isinstance(part.value, list):
        yield from ((inner, inner.raw) for inner in part.parts.values())
    elif part.value is not None:
        yield part, part.raw


def _no_code_twice(traffic: Traffic, nodes: list[Node], findings: Findings) -> None:
    seen: set[str] = set()
    for code in [event.code for event in traffic.events] + [project.code for project in traffic.projects]:
        if code in seen:
            node = next((n for root in nodes for n in root.items() if n.text("code") == code), nodes[0])
            findings.mistake(node, f"code `{code}` a second time", "a code of its own")
        seen.add(code)
