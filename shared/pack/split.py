"""A fifth of the examples is kept back: training never sees it, so that made-up traffic is new to the classifier.

Which, their texts decide, on every machine: a text is kept or not whatever is added beside it. Only a category that would keep
none keeps one all the same, so that nothing is silent in made-up traffic.
"""

import hashlib
from collections.abc import Sequence

from shared.pack.model import Example

SHARE = 5
"""One in so many is kept."""


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """What training learns from, and what is kept."""
    kept = {index for index, one in enumerate(examples) if _draw(one) % SHARE == 0}
    kept |= _first_of_each(examples, {one.category for one in examples} - {examples[index].category for index in kept})
    learned = [one for index, one in enumerate(examples) if index not in kept]
    return learned, [examples[index] for index in sorted(kept)]


def _first_of_each(examples: Sequence[Example], categories: set[str]) -> set[int]:
    """Of each of these categories the example that draws lowest, where there are enough to spare one."""
    found: dict[str, list[int]] = {category: [] for category in categories}
    for index, one in enumerate(examples):
        if one.category in found:
            found[one.category].append(index)
    return {min(places, key=lambda index: _draw(examples[index])) for places in found.values() if len(places) >= SHARE}


def _draw(example: Example) -> int:
    said = f"{example.title}\n{example.text}".encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8])
