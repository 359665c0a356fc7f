"""Texts that are nearly the same: a classifier learns one of them by heart, and is then asked about the other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

LIMIT = 0.6
"""The share of character 3-grams that two texts must not have in common (Jaccard)."""
_SIZE = 3


def near(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Each text that is near an earlier one, with the first such.

    Two sets that share so much share one of their rarest members: only those are looked up, so thousands of texts take a second.
    """
    grams = [_grams(text) for text in texts]
    frequency: dict[str, int] = defaultdict(int)
    for gram in (gram for own in grams for gram in own):
        frequency[gram] += 1
    having: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(grams):
        rare = sorted(own, key=lambda gram: (frequency[gram], gram))[: len(own) - _least(len(own)) + 1]
        earlier = sorted({other for gram in rare for other in having[gram]})
        if (first := next((other for other in earlier if _alike(own, grams[other])), None)) is not None:
            yield number, first
        for gram in rare:
            having[gram].append(number)


def _grams(text: str) -> frozenset[str]:
    """A text too short for one is its own."""
    return frozenset(text[start : start + _SIZE] for start in range(max(len(text) - _SIZE + 1, 1)))


def _least(size: int) -> int:
    """So many a set of this size shares with any that is near it."""
    return -(-size * int(LIMIT * 10) // 10)


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared * 10 >= int(LIMIT * 10) * (len(one) + len(other) - shared)
