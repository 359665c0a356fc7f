"""Finding many names in one pass over a whole batch."""

import re
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from services.classifier.alphabet import Codes, encode

_Trie: TypeAlias = dict[str, "_Trie"]
_END = ""


class Finder:
    """Finds the longest of its names at each place, and Latin ones as whole words only.

    A table of the names' first two characters, asked for all places at once, leaves one place in a hundred to the pattern.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """`names` in normal form; shorter ones than two characters are left out, for they are found everywhere."""
        kept = sorted(name for name in names if len(name) > 1)
        self._pattern = re.compile(_regex(_trie(kept), "") if kept else r"(?!)")
        self._pairs = np.zeros(1 << 16, dtype=np.bool_)
        for name in kept:
            self._pairs[pairs(encode(name[:2]))] = True

    def find(self, normal: str, pairs: Codes) -> list[tuple[int, int]]:
        """The spans of the names in a normalised text, given with its `pairs`; none overlap."""
        spans: list[tuple[int, int]] = []
        behind = 0
        for place in np.flatnonzero(self._pairs[pairs]).tolist():
            match = self._pattern.match(normal, place) if place >= behind else None
            if match:
                spans.append(match.span())
                behind = match.end()
        return spans

    def occurs(self, normal: str) -> bool:
        """Whether any of the names stands in the text."""
        return self._pattern.search(normal) is not None


def pairs(stream: Codes) -> Codes:
    """A small hash of every two neighbouring characters: what finders ask first."""
    return (stream[:-1] * np.uint32(31) + stream[1:]) & np.uint32(0xFFFF)


def _trie(names: Iterable[str]) -> _Trie:
    trie: _Trie = {}
    for name in names:
        branch = trie
        for char in name:
            branch = branch.setdefault(char, {})
        branch[_END] = {}
    return trie


def _regex(trie: _Trie, before: str) -> str:
    """Longer names first: what follows an end is optional, and the first alternative that fits wins."""
    options = [_edge(before, char) + re.escape(char) + _regex(branch, char) for char, branch in trie.items() if char]
    stop = r"(?![a-z0-9])" if _is_latin(before) else ""
    if not options:
        return stop
    joined = f"(?:{'|'.join(options)})"
    return f"(?:{joined}|{stop})" if _END in trie else joined


def _edge(before: str, char: str) -> str:
    """A Latin name begins where a word begins."""
    return r"(?<![a-z0-9])" if not before and _is_latin(char) else ""


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
