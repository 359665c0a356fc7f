"""Weights of which most are next to nothing: only the weightiest are kept, for memory and for speed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from services.classifier.features import Indices
from services.classifier.vocabulary import Floats, Matrix, between

MOST_WEIGHTS = 2_500_000
"""Weights kept: 8 bytes each in memory."""
SHARE = 0.25
"""And at most this share of them, where that leaves `FEWEST`."""
FEWEST = 100_000
MANY = 48
"""A feature that keeps more weights than these has them in a row of numbers, zeros too."""


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


@dataclass(frozen=True, slots=True)
class Topics:
    """The weights as they are served: those of the first features, which keep many, as plain rows, the others' sparse. To add a
    plain row takes no longer than to add some `MANY` single weights."""

    plain: Floats
    others: Matrix

    @classmethod
    def of(cls, weights: Matrix) -> "Topics":
        """Of weights whose features stand in the `ranked` order."""
        first = int((np.diff(weights.indptr) > MANY).sum())
        return cls(weights[:first].toarray(), weights[first:])

    @property
    def features(self) -> int:
        """How many features have weights at all."""
        return len(self.plain) + int(self.others.shape[0])

    @property
    def nbytes(self) -> int:
        """What they take in memory."""
        return int(self.plain.nbytes + self.others.data.nbytes + self.others.indices.nbytes + self.others.indptr.nbytes)

    def scores(self, rows: Matrix) -> Floats:
        """A score for each row and class."""
        first = len(self.plain)
        result: Floats = between(rows, 0, first) @ self.plain
        result += (between(rows, first, self.features) @ self.others).toarray()
        return result

    def difference(self, features: Indices, winner: NDArray[np.intp], rival: NDArray[np.intp]) -> Floats:
        """How much more each feature speaks for one class than for another."""
        result = np.empty(len(features), dtype=np.float32)
        plain = features < len(self.plain)
        flat, row = self.plain.reshape(-1), features[plain].astype(np.int64) * self.plain.shape[1]
        result[plain] = flat[row + winner[plain]] - flat[row + rival[plain]]
        others = np.flatnonzero(~plain)
        if len(others):
            row = np.tile(features[others] - len(self.plain), 2)
            both = np.asarray(self.others[row, np.concatenate((winner[others], rival[others]))])
            result[others] = both[: len(others)] - both[len(others) :]
        return result


def ranked(weights: Matrix) -> NDArray[np.intp]:
    """The order of the features to serve in: those with many weights, those with some, those with none."""
    kept = np.diff(weights.indptr)
    return np.argsort(2 - (kept > 0).astype(np.intp) - (kept > MANY), kind="stable")


def _least(values: Floats, most: int) -> float:
    """The least of the greatest `most` values."""
    place = max(0, len(values) - most)
    return float(np.partition(values, place)[place]) if len(values) else 0.0
