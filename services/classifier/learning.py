"""The two linear learners and their mixture: pure arithmetic on matrices, no texts.

Complement naive Bayes learns most from few examples and from the descriptions of the categories; ridge regression (`likeness.py`)
wins with every example more. Both also learn the levels above the leaves and add what they say there to each leaf, so siblings
share what they have in common. Cross-validation decides how much of each a head gets; both are linear, so the mixture is one
column of weights for each class. Weights are computed for a block of features at a time: all of them at once would take a
gigabyte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from services.classifier.learned import softmax
from services.classifier.likeness import Likeness
from services.classifier.vocabulary import Floats, Matrix

Labels: TypeAlias = NDArray[np.intp]

SMOOTHING = 1.0
FOLDS = 5
MIXTURES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
"""Shares of naive Bayes to choose from."""
KINSHIP = 0.5
"""What it counts for the ridge regression that two classes lie in one node, at each level above them; to be the same counts 1."""
BAYES_WEIGHT = 16.0
"""What a description counts in naive Bayes, in examples; for the ridge regression see `likeness.py`."""
BLOCK = 4_096
"""Features whose weights are computed at once."""
_SEED = 7


@dataclass(frozen=True)
class Lessons:
    """What a head learns: the label of each example, and perhaps of each description (those are never tested)."""

    labels: Labels
    names: tuple[str, ...]
    """Of the classes."""
    parents: tuple[Labels, ...] = ()
    """For each level above the leaves, which node each class belongs to."""
    extra: int = 0
    """How many of the labels are of descriptions."""

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def tested(self) -> Labels:
        """The labels of the examples."""
        return self.labels[: len(self.labels) - self.extra]


@dataclass(frozen=True)
class Study:
    """What all heads learn from."""

    rows: Matrix
    """TF-IDF of each example, then of each description."""
    idf: Floats
    likeness: Likeness
    """How like each other the rows are."""

    def blocks(self) -> Iterable[tuple[slice, Matrix]]:
        """The rows, so many features at a time."""
        by_feature = self.rows.tocsc()
        for start in range(0, self.rows.shape[1], BLOCK):
            part = slice(start, min(start + BLOCK, self.rows.shape[1]))
            yield part, by_feature[:, part].tocsr()


@dataclass(frozen=True)
class Mixture:
    """How a head is made of the two learners, and what cross-validation said about it."""

    share: float
    spreads: tuple[float, float]
    temperature: float
    probabilities: Floats
    """Of the examples, each by a model that had not seen it."""
    solved: Floats
    """The ridge regression's answer for all rows (`Likeness.solved`), from which its weights follow."""


def document_weights(counts: Matrix, extra: int) -> Floats:
    """Inverse document frequencies; what occurs once and in no description gets 0, for it teaches nothing."""
    examples = counts.shape[0] - extra
    seen = np.bincount(counts[:examples].indices, minlength=counts.shape[1])
    told = np.bincount(counts[examples:].indices, minlength=counts.shape[1]) if extra else np.zeros_like(seen)
    frequency = seen + told
    idf = np.log((1 + counts.shape[0]) / (1 + frequency)) + 1
    return np.where((seen >= 2) | (told > 0), idf, 0).astype(np.float32)


def cross_validate(study: Study, lessons: Lessons) -> Mixture:
    """Put every example once to a model that has not seen it; choose the mixture and the temperature on the answers."""
    labels, parts = lessons.tested, folds(lessons.tested)
    targets = _targets(study, lessons)
    solved = study.likeness.solved(targets)
    both = np.stack([_bayes_held_out(study, lessons, parts), study.likeness.held_out(targets, solved, parts)])
    both -= both.mean(axis=2, keepdims=True)
    spreads = (float(both[0].std()) or 1.0, float(both[1].std()) or 1.0)
    candidates = ((share, share * both[0] / spreads[0] + (1 - share) * both[1] / spreads[1]) for share in MIXTURES)
    share, scores = max(candidates, key=lambda candidate: macro_f1(labels, candidate[1].argmax(axis=1)))
    temperature = fit_temperature(scores.astype(np.float32), labels)
    return Mixture(share, spreads, temperature, softmax(scores.astype(np.float32), temperature), solved)


def fit(study: Study, lessons: Lessons, mixture: Mixture) -> tuple[Iterable[Floats], Floats]:
    """The head itself, learned from everything: its weights [features, classes], a block of features at a time, and its bias.
    The document frequencies are in the weights."""
    ridge = mixture.solved * np.float32((1 - mixture.share) / mixture.spreads[1])
    bias = ridge.sum(axis=0)
    return _blocks_of(study, lessons, mixture.share / mixture.spreads[0], ridge), (bias - bias.mean()).astype(np.float32)


def folds(labels: Labels) -> list[Labels]:
    """Disjoint parts with as many examples of each class, the same ones every time."""
    shuffled = np.random.default_rng(_SEED).permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [np.sort(dealt[start::FOLDS]) for start in range(min(FOLDS, len(labels)))]


def macro_f1(truth: Labels, answers: Labels) -> float:
    """The mean over the classes that occur of the harmonic mean of precision and recall."""
    size = int(max(truth.max(), answers.max())) + 1
    hits = np.bincount(truth[truth == answers], minlength=size)
    total = np.bincount(truth, minlength=size) + np.bincount(answers, minlength=size)
    return float((2 * hits[total > 0] / total[total > 0]).mean())


def fit_temperature(scores: Floats, labels: Labels) -> float:
    """The temperature at which the probabilities fit the labels best (least log loss); of equally good ones the most modest.

    A coarse search, then a fine one around what it found: softmax over hundreds of classes is not free.
    """
    right = np.arange(len(labels)), labels

    def loss(temperature: float) -> tuple[float, float]:
        likely = np.maximum(softmax(scores, temperature)[right], 1e-9)
        return round(float(-np.log(likely).mean()), 2), -temperature

    grid: list[float] = np.geomspace(0.02, 20, 81).tolist()
    middle = int(min(range(0, 81, 8), key=lambda place: loss(grid[place])))
    return min(grid[max(0, middle - 8) : middle + 9], key=loss)


def _blocks_of(study: Study, lessons: Lessons, bayes: float, ridge: Floats) -> Iterable[Floats]:
    everyone = _membership(lessons, np.arange(len(lessons.labels)), study.rows.shape[0])
    mass = everyone @ study.rows.sum(axis=1)
    for part, rows in study.blocks():
        weights = study.likeness.weights(rows, ridge)
        if bayes:
            weights += np.float32(bayes) * _bayes((everyone @ rows).toarray(), mass, lessons, study.rows.shape[1])
        yield _centred(weights) * study.idf[part, None]


def _bayes_held_out(study: Study, lessons: Lessons, parts: list[Labels]) -> Floats:
    """Scores of each example by what the other parts and the descriptions teach: sums, less those of its own part."""
    documents, features = study.rows.shape
    everyone = _membership(lessons, np.arange(len(lessons.labels)), documents)
    others = [everyone - _membership(lessons, part, documents) for part in parts]
    masses = [rest @ study.rows.sum(axis=1) for rest in others]
    scores = np.zeros((len(lessons.tested), lessons.classes), dtype=np.float32)
    for _, rows in study.blocks():
        for part, rest, mass in zip(parts, others, masses, strict=True):
            scores[part] += rows[part] @ _bayes((rest @ rows).toarray(), mass, lessons, features)
    return scores


def _membership(lessons: Lessons, chosen: Labels, documents: int) -> Matrix:
    """Which documents speak for which class, and with what weight."""
    weight = np.where(chosen < len(lessons.tested), 1.0, BAYES_WEIGHT).astype(np.float32)
    return csr_array((weight, (lessons.labels[chosen], chosen)), shape=(lessons.classes, documents))


def _bayes(own: Floats, mass: Floats, lessons: Lessons, features: int) -> Floats:
    """Complement naive Bayes over leaves, plus the same over each level above them; `own` are the sums of the classes' rows over
    a block of the features, `mass` over all of them."""
    total = _complement(own, mass, features)
    for parent in lessons.parents:
        nodes = int(parent.max()) + 1
        group = csr_array((np.ones(len(parent), dtype=np.float32), (parent, np.arange(len(parent)))), shape=(nodes, len(parent)))
        total += _complement(group @ own, group @ mass, features)[:, parent]
    return total


def _complement(own: Floats, mass: Floats, features: int) -> Floats:
    others = own.sum(axis=0) + np.float32(SMOOTHING) - own
    rest = mass.sum() + SMOOTHING * features - mass
    result: Floats = (np.log(rest)[:, None].astype(np.float32) - np.log(others)).T
    return result


def _targets(study: Study, lessons: Lessons) -> Floats:
    """What the ridge regression is to answer for each row: 1 for its class, something for its kin, less the mean of all rows;
    0 where a row has no label."""
    kinship = np.eye(lessons.classes, dtype=np.float32)
    for parent in lessons.parents:
        kinship += np.float32(KINSHIP) * (parent[:, None] == parent)
    targets = np.zeros((study.rows.shape[0], lessons.classes), dtype=np.float32)
    targets[: len(lessons.labels)] = kinship[lessons.labels] - kinship[lessons.tested].mean(axis=0)
    return targets


def _centred(weights: Floats) -> Floats:
    """Each row around its middle: only differences decide, and most classes of most features then have next to nothing."""
    result: Floats = weights - np.median(weights, axis=1, keepdims=True)
    return result
