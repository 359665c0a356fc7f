"""A fifth of the examples is kept back: training never sees it, so that made-up traffic is new to the classifier.

Which, only the text decides: the same texts are kept whatever is added beside them, on every machine.
"""

import hashlib
from collections.abc import Sequence

from shared.pack.model import Example

SHARE = 5
"""One in so many is kept."""


def is_kept(example: Example) -> bool:
    """Whether training never sees this one."""
    said = f"{example.title}\n{example.text}".encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) % SHARE == 0


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """What training learns from, and what is kept."""
    return [one for one in examples if not is_kept(one)], [one for one in examples if is_kept(one)]
