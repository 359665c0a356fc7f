"""Ridge regression by how like each other the texts are: one inverse teaches every head and examines it.

With some thousand texts and a hundred thousand n-grams it is the texts that are few. So what is factorised is the matrix of their
likenesses (inner products of their rows), once for all classes of all heads. The inverse also tells what a model that had not
seen some of the texts would have answered to them, exactly: for a part `p`, `targets[p] − inverse[p, p]⁻¹ · solved[p]`. So
cross-validation needs no second model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve

from services.classifier.vocabulary import Floats, Matrix

COST = 1.0
"""What weights cost: the less, the more closely the examples are followed."""
DESCRIPTION_WEIGHT = 3.0
"""What a description counts, in examples."""
MOST_ROWS = 12_000
"""More examples than these teach naive Bayes alone: memory grows with their square (half a gigabyte here), time with the cube."""
_STEP = 500
_SEED = 11


@dataclass(frozen=True)
class Likeness:
    """The rows that teach, and (their inner products + 1 + costs)⁻¹."""

    rows: Matrix
    """All of them, taught or not."""
    taught: NDArray[np.intp]
    inverse: Floats

    @classmethod
    def of(cls, rows: Matrix, examples: int) -> "Likeness":
        """Of these rows; those behind the examples are descriptions."""
        taught = np.concatenate((_some(examples), np.arange(examples, rows.shape[0])))
        chosen = rows[taught]
        square = np.empty((len(taught), len(taught)), dtype=np.float32)
        for start in range(0, len(taught), _STEP):
            square[start : start + _STEP] = (chosen[start : start + _STEP] @ chosen.T).toarray()
        square += 1
        weight = np.where(taught < examples, 1.0, DESCRIPTION_WEIGHT)
        square[np.diag_indices_from(square)] += (COST / weight).astype(np.float32)
        return cls(rows, taught, _inverted(square))

    def solved(self, targets: Floats) -> Floats:
        """For every row and class how much the row speaks for the class; 0 for those that do not teach."""
        result = np.zeros(targets.shape, dtype=np.float32)
        result[self.taught] = self.inverse @ targets[self.taught]
        return result

    def weights(self, rows: Matrix, solved: Floats) -> Floats:
        """The weights [features, classes] of the features in these columns of the rows."""
        result: Floats = rows.T @ solved
        return result

    def held_out(self, targets: Floats, solved: Floats, parts: list[NDArray[np.intp]]) -> Floats:
        """What each example would be answered, had its part not been seen."""
        scores = targets - 0
        place = np.full(len(targets), -1)
        place[self.taught] = np.arange(len(self.taught))
        for part in parts:
            seen = part[place[part] >= 0]
            own = place[seen]
            scores[seen] -= solve(self.inverse[np.ix_(own, own)], solved[seen], assume_a="pos", check_finite=False)
            self._unseen(scores, part[place[part] < 0], solved)
        return scores[: sum(map(len, parts))]

    def _unseen(self, scores: Floats, part: NDArray[np.intp], solved: Floats) -> None:
        """Those that do not teach are new to the model as it is."""
        if len(part):
            scores[part] = self.rows[part] @ self.weights(self.rows, solved) + solved.sum(axis=0)


def _some(examples: int) -> NDArray[np.intp]:
    """All of them, or as many as teach, drawn the same way every time."""
    if examples <= MOST_ROWS:
        return np.arange(examples)
    return np.sort(np.random.default_rng(_SEED).permutation(examples)[:MOST_ROWS])


def _inverted(square: Floats) -> Floats:
    """The inverse, in the place of the matrix; LAPACK works on one half, which is then mirrored."""
    factor, failed = lapack.spotrf(square.T, lower=1, overwrite_a=1)
    half, useless = lapack.spotri(factor, lower=1, overwrite_c=1)
    assert failed == useless == 0  # noqa: S101 (the costs on the diagonal make it positive definite)
    for start in range(0, len(half), _STEP):
        rows = slice(start, start + _STEP)
        corner = np.tril(half[rows, rows])
        half[rows, rows] = corner + np.tril(corner, -1).T
        half[rows, start + _STEP :] = half[start + _STEP :, rows].T
    result: Floats = half
    return result
