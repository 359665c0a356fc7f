"""Finding many names in one pass: a set of names compiled to one regular expression shaped like a trie."""

import re
from collections.abc import Iterable
from typing import TypeAlias

_Trie: TypeAlias = dict[str, "_Trie"]
_END = ""


def pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Matches the longest of the names at each place; Latin ones as whole words only, and nothing where there are no names."""
    trie: _Trie = {}
    for name in sorted(filter(None, names)):
        branch = trie
        for char in name:
            branch = branch.setdefault(char, {})
        branch[_END] = {}
    return re.compile(_regex(trie, "") if trie else r"(?!)")


def _regex(trie: _Trie, before: str) -> str:
    """Longer names first: what follows an end is optional, and regular expressions are greedy."""
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
