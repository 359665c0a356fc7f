"""Weights of which most are next to nothing: only the weightiest are kept, for memory and for speed."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from services.classifier.vocabulary import Floats, Matrix

MOST_WEIGHTS = 2_500_000
"""Weights kept: 8 bytes each in memory."""
SHARE = 0.25
"""And at most this share of them, where that leaves `FEWEST`."""
FEWEST = 100_000


def sparse(blocks: Iterable[Floats], occurrences: NDArray[np.int64]) -> Matrix:
    """The weights [features, classes] that move most answers: the greatest by amount and by how often their feature occurs."""
    often, parts, worth, start = np.sqrt(occurrences).astype(np.float32), [], [], 0
    for block in blocks:
        value = np.abs(block) * often[start : start + len(block), None]
        start += len(block)
        kept = value >= _least(value.reshape(-1), max(block.size // 4, min(block.size, FEWEST)))
        parts.append(csr_array(np.where(kept, block, 0)))
        worth.append(np.abs(parts[-1].data) * np.repeat(often[start - len(block) : start], np.diff(parts[-1].indptr)))
    whole = vstack(parts, format="csr")
    value = np.concatenate(worth)
    most = min(MOST_WEIGHTS, max(FEWEST, int(SHARE * whole.shape[0] * whole.shape[1])))
    whole.data[value < _least(value, most)] = 0
    whole.eliminate_zeros()
    whole.sort_indices()
    return whole


def at(weights: Matrix, rows: NDArray[np.int32], columns: NDArray[np.intp]) -> Floats:
    """Single weights, 0 where none was kept."""
    result: Floats = np.asarray(weights[rows, columns])
    return result


def _least(values: Floats, most: int) -> float:
    """The least of the greatest `most` values."""
    place = max(0, len(values) - most)
    return float(np.partition(values, place)[place]) if len(values) else 0.0
