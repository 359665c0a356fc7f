"""The files of a pack folder, read and held against their models, before anything is compared across files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from pydantic import TypeAdapter

from shared.pack.calendar import Calendar
from shared.pack.categories import Crosswalk, Open311
from shared.pack.matters import Matter, Reply, ReturnReason
from shared.pack.mistakes import Findings, instead
from shared.pack.model import Category, Channel, City, Clock, Department, Pack, Place, Region, Route
from shared.pack.shape import shaped
from shared.pack.source import Node, read_yaml


class Home(NamedTuple):
    """Where a part of a pack stands, and what it is."""

    pattern: str
    annotation: Any
    needed: bool = True

    @property
    def folder(self) -> str:
        """The pattern when the part is a folder: a long list may be cut into files."""
        return self.pattern if "*" in self.pattern else self.pattern.replace(".yaml", "/*.yaml")


LAYOUT: dict[str, Home] = {
    "city": Home("pack.yaml", City),
    "regions": Home("regions.yaml", tuple[Region, ...]),
    "gazetteer": Home("gazetteer.yaml", tuple[Place, ...], needed=False),
    "departments": Home("departments.yaml", tuple[Department, ...]),
    "channels": Home("channels.yaml", tuple[Channel, ...]),
    "clocks": Home("clocks.yaml", tuple[Clock, ...]),
    "calendar": Home("calendar.yaml", Calendar, needed=False),
    "categories": Home("categories/*.yaml", Category),
    "routes": Home("routes/*.yaml", tuple[Route, ...]),
    "matters": Home("matters/*.yaml", tuple[Matter, ...], needed=False),
    "returns": Home("returns.yaml", tuple[ReturnReason, ...], needed=False),
    "replies": Home("replies.yaml", tuple[Reply, ...], needed=False),
    "crosswalks": Home("crosswalks/*.yaml", Crosswalk, needed=False),
    "open311": Home("open311.yaml", Open311, needed=False),
}
"""Where every part of a pack stands. Files of a folder count in the order of their names."""
SINGLE = ("city", "calendar", "open311")
"""Parts of which there is one."""
ELSEWHERE = ("examples", "areas", "traffic")
"""Folders that others read; `traffic` is for `yijian simulate`."""


@dataclass
class Section:
    """One part of a pack as it was written, and as models where it could be understood."""

    home: Node
    """The file or folder itself, to blame for what is not in it."""
    nodes: list[Node] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    whole: bool = True
    """False when something could not be read: then nobody can say that a code is unknown."""


@dataclass(frozen=True)
class Draft:
    """A pack that may still be wrong."""

    sections: dict[str, Section]

    def __getitem__(self, name: str) -> Section:
        """The section with this name in `LAYOUT`."""
        return self.sections[name]

    @property
    def city(self) -> Node:
        """`pack.yaml`, or its empty place."""
        section = self["city"]
        return section.nodes[0] if section.nodes else section.home

    def pack(self) -> Pack:
        """The pack itself; only for a draft without mistakes."""
        parts: dict[str, Any] = {
            name: section.values[0] if name in SINGLE else tuple(section.values)
            for name, section in self.sections.items()
            if section.values or name not in SINGLE
        }
        return Pack(**parts)


def read_draft(folder: Path, findings: Findings) -> Draft:
    """Every file of the pack but the examples."""
    _strangers(folder, findings)
    return Draft({name: _read_section(folder, name, findings) for name in LAYOUT})


def _strangers(folder: Path, findings: Findings) -> None:
    """A part that need not be there is easily misspelt."""
    known = {home.pattern.partition("/")[0] for home in LAYOUT.values()} | {*ELSEWHERE}
    known |= {home.folder.partition("/")[0] for name, home in LAYOUT.items() if name not in SINGLE}
    for path in sorted(folder.iterdir()):
        ours = path.is_dir() or path.suffix in (".yaml", ".yml", ".jsonl", ".geojson")
        if ours and path.name not in known and not path.name.startswith("."):
            node = Node(path.as_posix(), 0)
            findings.warning(node, "nobody reads this", instead(path.name, known, "the names of files are in docs/packs.md"))


def _read_section(folder: Path, name: str, findings: Findings) -> Section:
    home = LAYOUT[name]
    beside = folder / home.folder.partition("/")[0]
    pattern = home.folder if get_origin(home.annotation) is tuple and beside.is_dir() else home.pattern
    section = Section(Node((folder / pattern.removesuffix("/*.yaml")).as_posix(), 0))
    if not home.needed and not (folder / pattern.partition("/")[0]).exists():
        return section
    files = list(files_of(folder, pattern, findings))
    section.whole = bool(files)
    if pattern != home.pattern and (folder / home.pattern).exists():
        findings.mistake(section.home, f"a folder beside {home.pattern}", "one of them")
        section.whole = False
    for path in files:
        _read_file(path, section, home.annotation, findings)
    return section


def _read_file(path: Path, section: Section, annotation: Any, findings: Findings) -> None:
    root = read_yaml(path, path.as_posix(), findings.blame_in(path.as_posix()))
    if root is None:
        section.whole = False
    else:
        _add_file(section, root, annotation, findings)


def _add_file(section: Section, root: Node, annotation: Any, findings: Findings) -> None:
    """A file holds one thing (a mapping) or several (a list)."""
    value = shaped(_adapter(annotation), annotation, root, findings)
    section.nodes += [root] if isinstance(root.value, dict) else root.items()
    section.whole &= isinstance(root.value, list if get_origin(annotation) is tuple else dict)
    if value is not None:
        section.values += value if isinstance(value, tuple) else [value]


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def files_of(folder: Path, pattern: str, findings: Findings) -> Iterator[Path]:
    """The files that match, in order; a missing one is a mistake, one that nobody reads a warning."""
    path = folder / pattern
    if "*" not in pattern:
        yield from _one_file(path, findings)
    elif not path.parent.is_dir():
        findings.mistake(Node(path.parent.as_posix(), 0), "the folder is missing", f"a folder with {path.name} files")
    else:
        yield from _many_files(path, findings)


def _one_file(path: Path, findings: Findings) -> Iterator[Path]:
    if path.exists():
        yield path
    else:
        findings.mistake(Node(path.as_posix(), 0), "the file is missing", "every pack has this file")


def _many_files(path: Path, findings: Findings) -> Iterator[Path]:
    files = sorted(found for found in path.parent.iterdir() if not found.name.startswith("."))
    for file in files:
        if file.match(path.name):
            yield file
        else:
            findings.warning(Node(file.as_posix(), 0), "nobody reads this", f"only {path.name} files count here")
    if not any(file.match(path.name) for file in files):
        findings.mistake(Node(path.parent.as_posix(), 0), f"no {path.name} file in it", "at least one")
