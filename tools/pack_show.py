"""A page about a pack, for people: trees of its regions, departments and categories with counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.tree import Tree

from shared.pack.departments import Unit
from shared.pack.model import Category, Department, Example, Pack, Region, Text, walk


def show_page(pack: Pack, examples: Sequence[Example], *, deep: bool) -> None:
    """Print it; `deep` goes down to communities, units and leaves."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000  # for a pipe or a file nothing is broken over lines
    page = _Page(pack, examples, deep=deep)
    city = pack.city
    console.print(
        f"{city.title.zh} {city.title.en}".strip() + f"  ·  {city.name} {city.version}, {city.language}, {city.timezone}\n"
    )
    for part in (page.doors(), page.regions(), page.departments(), page.categories(), page.matters(), page.rest()):
        if part.children:
            console.print(part)
            console.print()


class _Page:
    """The parts of the page, each a tree."""

    def __init__(self, pack: Pack, examples: Sequence[Example], *, deep: bool) -> None:
        self._pack, self._deep = pack, deep
        self._examples = Counter(example.category for example in examples)
        self._kinds = Counter(example.kind for example in examples)

    def doors(self) -> Tree:
        """Channels with their clocks."""
        used = [channel for channel in self._pack.channels if not channel.retired]
        tree = Tree(f"Channels ({len(used)})")
        for channel in used:
            tree.add(f"{self._said(channel.name)}  {channel.code}  ·  clock {channel.clock}")
        return tree

    def regions(self) -> Tree:
        """Down to streets; deep: to communities."""
        used = [region for region in self._pack.regions if not region.retired]
        levels = Counter(region.level for region in used)
        gone = len(self._pack.regions) - len(used)
        counts = [*(_count(number, level) for level, number in levels.items()), _count(len(self._pack.gazetteer), "place")]
        tree = Tree(f"Regions: {', '.join(counts)}" + (f", {gone} retired" if gone else ""))
        below: dict[str, list[Region]] = defaultdict(list)
        for region in used:
            below[region.parent or ""].append(region)
        self._add_regions(tree, below[""], below)
        return tree

    def departments(self) -> Tree:
        """The city's, then each district's; deep: their units."""
        used = [department for department in self._pack.departments if not department.retired]
        tree = Tree(f"Departments ({len(used)})")
        by_region: dict[str, list[Department]] = defaultdict(list)
        for department in used:
            by_region[department.region].append(department)
        for code, departments in by_region.items():
            branch = tree.add(f"{self._said(self._pack.region_by_code[code].name)} ({len(departments)})")
            for department in departments:
                self._add_units(branch.add(self._department(department)), department.units)
        return tree

    def categories(self) -> Tree:
        """Two levels; deep: the leaves."""
        used = [node for node in self._pack.category_by_code.values() if not node.retired]
        leaves = sum(not node.children for node in used)
        kinds = ", ".join(f"{number} {kind}" for kind, number in self._kinds.most_common())
        tree = Tree(f"Categories: {len(used)}, {leaves} of them leaves; {self._examples.total()} examples ({kinds})")
        for top in self._pack.categories:
            self._add_category(tree, top, depth=1)
        return tree

    def matters(self) -> Tree:
        """Each with its items."""
        tree = Tree(f"Matters ({len(self._pack.matters)})")
        for matter in self._pack.matters:
            papers = [paper for item in matter.items for paper in item.papers]
            on_file = sum(paper.on_file for paper in papers)
            what = f"{_count(len(matter.items), 'item')}, {_count(len(papers), 'paper')}, {on_file} on file"
            tree.add(f"{self._said(matter.name)}  {matter.code}  ·  {matter.for_}, {what}")
        return tree

    def rest(self) -> Tree:
        """What needs no tree of its own."""
        pack = self._pack
        tree = Tree("Besides")
        tree.add(f"{_count(len(pack.routes), 'route')}, {_count(len(pack.clocks), 'clock')}")
        years = ", ".join(
            f"{year} (the city's own)" if what.own else str(year) for year, what in sorted(pack.calendar.years.items())
        )
        source = f"holidays of {pack.calendar.country}" if pack.calendar.country else ""
        if years or source:
            tree.add(f"Calendar: {'; '.join(filter(None, (source, years)))}")
        if pack.returns or pack.replies:
            tree.add(f"{_count(len(pack.returns), 'return reason')}, {_count(len(pack.replies), 'reply', 'replies')}")
        for walk_ in pack.crosswalks:
            tree.add(f"Crosswalk: {self._said(walk_.system)} {walk_.version}, {_count(len(walk_.codes), 'code')}")
        if pack.open311.services:
            tree.add(f"Open311: {_count(len(pack.open311.services), 'service')}")
        return tree

    def _add_regions(self, tree: Tree, regions: Iterable[Region], below: dict[str, list[Region]]) -> None:
        for region in regions:
            inside = below[region.code]
            if region.level == "community" and not self._deep:
                continue
            counts = ", ".join(_count(number, level) for level, number in Counter(one.level for one in inside).items())
            branch = tree.add(f"{self._said(region.name)}  {region.code}" + (f"  ·  {counts}" if counts else ""))
            self._add_regions(branch, inside, below)

    def _add_units(self, tree: Tree, units: Iterable[Unit]) -> None:
        if self._deep:
            for unit in units:
                self._add_units(tree.add(f"{self._said(unit.name)}  {unit.code}"), unit.units)

    def _department(self, department: Department) -> str:
        counts = [_count(len(department.powers), "power"), _count(len(department.units), "unit")]
        told = ", ".join(count for count in counts if not count.startswith("0 "))
        return f"{self._said(department.name)}  {department.code}  ·  {department.function}" + (f", {told}" if told else "")

    def _add_category(self, tree: Tree, category: Category, *, depth: int) -> None:
        if category.retired:
            return
        below = [node for node in walk(category) if not node.children and not node.retired]
        examples = sum(self._examples[node.code] for node in walk(category))
        leaves = f"{_count(len(below), 'leaf', 'leaves')}, " if category.children else ""
        branch = tree.add(f"{self._said(category.name)}  {category.code}  ·  {leaves}{_count(examples, 'example')}")
        if self._deep or depth < 2:
            for child in category.children:
                self._add_category(branch, child, depth=depth + 1)

    def _said(self, text: Text) -> str:
        """In the city's language."""
        return (text.en if self._pack.city.language.startswith("en") else text.zh) or str(text)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or _plural(one)}"


def _plural(one: str) -> str:
    return one[:-1] + "ies" if one.endswith("y") and one[-2] not in "aeiou" else one + "s"
