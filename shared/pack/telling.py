"""Leaves that even their own examples do not tell apart: for `yijian pack check`, which says so to the authors.

Each example is compared with the mean of its own leaf (without itself) and with that of every other one; what the pack says about
a leaf counts in. Features are Chinese character 1-to-3-grams and the beginnings of other words, weighted by TF-IDF. Two leaves
are alike when between the two of them this does no better than a coin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # numpy and scipy are opened late: a service reads packs too, and has no use for this
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 6
"""Of leaves with fewer examples nothing can be said."""
NO_BETTER = 0.5
"""The share of wrong answers from which on two leaves are alike."""


EACH_WAY = 1 / 3
"""So many of the examples of each have to stray to the other."""
DESCRIPTION = 2.0
"""What a description counts, in examples."""
_READ = 600
"""So many characters of a text are read."""
_SIZES = (1, 2, 3)
_WORD = re.compile("[a-z\\u00c0-\\u024f]+")
_STEM = 6


class Alike(NamedTuple):
    """Two leaves and how often their examples go to the wrong one."""

    one: str
    other: str
    wrong: float


def alike(texts: Sequence[str], leaves: Sequence[str], described: Mapping[str, str]) -> Iterator[Alike]:
    """The pairs of leaves that cannot be told apart, in the order of their codes; `described` says what the pack says of each."""
    sizes = Counter(leaves)
    rows = [number for number, leaf in enumerate(leaves) if sizes[leaf] >= FEWEST]
    names = sorted({leaves[number] for number in rows})
    if len(names) < 2:
        return
    numbers = {name: number for number, name in enumerate(names)}
    said = [described.get(name, "") for name in names]
    wrong = _wrong([texts[number] for number in rows], [numbers[leaves[number]] for number in rows], said)
    together = (wrong + wrong.T) / 2
    # A leaf whose own examples have little in common strays everywhere: that is no likeness to one other.
    both_ways = (together >= NO_BETTER) & (wrong >= EACH_WAY) & (wrong.T >= EACH_WAY)
    for one, other in zip(*both_ways.nonzero(), strict=True):
        if one < other:
            yield Alike(names[one], names[other], float(together[one, other]))


def _wrong(texts: Sequence[str], labels: Sequence[int], described: Sequence[str]) -> NDArray[np.float64]:
    """For each pair of leaves, which share of the first one's examples is nearer to the second."""
    import numpy as np
    from scipy.sparse import csr_array

    every = _rows([*texts, *described])
    rows, own = every[: len(texts)], np.asarray(labels)
    member = csr_array((np.ones(len(own)), (own, np.arange(len(own)))))
    sums = member @ rows + DESCRIPTION * every[len(texts) :]
    products = (rows @ sums.T).toarray()
    squares = sums.multiply(sums).sum(axis=1)
    mine = products[np.arange(len(own)), own]
    without = (mine - 1) / np.sqrt(np.maximum(squares[own] - 2 * mine + 1, 1e-9))
    strayed = products / np.sqrt(squares) > without[:, None]
    strayed[np.arange(len(own)), own] = False
    result: NDArray[np.float64] = (member @ strayed) / np.bincount(own)[:, None]
    return result


def _rows(texts: Sequence[str]) -> Any:
    """Each text's features, those that others have too, weighted by how rare they are; every row of length 1."""
    import numpy as np
    from scipy.sparse import csr_array, diags_array

    numbers: dict[str, int] = {}
    columns = [[numbers.setdefault(feature, len(numbers)) for feature in sorted(_features(text))] for text in texts]
    flat = np.fromiter((column for row in columns for column in row), dtype=np.int32)
    starts = np.cumsum([0, *map(len, columns)])
    frequency = np.bincount(flat, minlength=len(numbers))
    weights = np.log(len(texts) / frequency) * (frequency > 1)
    rows = csr_array((weights[flat], flat, starts), shape=(len(texts), len(numbers)))
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))
    return diags_array(1 / np.maximum(lengths, 1e-9)) @ rows


def _features(text: str) -> set[str]:
    text = text[:_READ].casefold()
    words = {word[:_STEM] for word in _WORD.findall(text)}
    rest = _WORD.sub(" ", text)
    return words | {rest[start : start + size] for size in _SIZES for start in range(len(rest) - size + 1)}
