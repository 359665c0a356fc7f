"""What can be said about a pack that is not right: every mistake with its place, all of them in one run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from shared.errors import Permanent
from shared.pack.source import Blame, Node

LIST_AT_MOST = 12
"""More choices than this are not listed: a wall of codes helps nobody."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong (or, as a warning, doubtful), where it stands and what would be right."""

    file: str
    line: int
    """Counted from 1; 0 where the trouble is the file or the folder itself."""
    found: str
    expected: str

    def __str__(self) -> str:
        """One line, in the form that editors and terminals make clickable."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.found}; {self.expected}"


class BadPack(Permanent):
    """A city's pack has mistakes; `mistakes` holds all of them, and the text lists them, one a line."""

    slug = "bad-pack"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass
class Findings:
    """Where all readers and checks put what they find."""

    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    misshapen: set[Node] = field(default_factory=set)
    """Values already blamed for their shape: that they are also unknown would be the same mistake twice."""

    def mistake(self, node: Node, found: str, expected: str) -> None:
        """The pack cannot be used before this is mended."""
        self.mistakes.append(Mistake(node.file, node.line, found, expected))

    def warning(self, node: Node, found: str, expected: str) -> None:
        """The pack works, but perhaps not as its authors think."""
        self.warnings.append(Mistake(node.file, node.line, found, expected))

    def blame_in(self, file: str) -> Blame:
        """For readers, which have no nodes yet: the mistakes of one file."""
        return lambda line, found, expected: self.mistakes.append(Mistake(file, line, found, expected))


def closest(wrong: str, right: Iterable[str]) -> str | None:
    """The one of `right` that was probably meant."""
    return _closest(wrong, tuple(sorted(set(right))))


@lru_cache(maxsize=1024)
def _closest(wrong: str, right: tuple[str, ...]) -> str | None:
    """Remembered: one renamed category is wrong in hundreds of examples."""
    return next(iter(get_close_matches(wrong, right, n=1, cutoff=0.6)), None)


def instead(wrong: str, right: Iterable[str], otherwise: str = "leave it out") -> str:
    """What would be right: the one that was probably meant, or all of them when they are few."""
    choices = tuple(sorted(set(right)))
    if meant := closest(wrong, choices):
        return f"did you mean `{meant}`?"
    return f"one of {', '.join(choices)}" if 0 < len(choices) <= LIST_AT_MOST else otherwise
