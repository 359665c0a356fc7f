"""The two linear learners and their mixture: pure arithmetic on matrices, no texts.

Complement naive Bayes learns most from few examples and from the descriptions of the categories. The other is a linear
support-vector machine on features scaled by how strongly they speak for or against the class (after Wang and Manning, 2012),
which wins once there are hundreds of examples a class. Cross-validation decides how much of each a head gets; both are linear,
so the mixture is one column of weights for each class.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from sklearn.svm import LinearSVC

from services.classifier.learned import softmax
from services.classifier.vocabulary import Floats, Matrix, weighted

Labels: TypeAlias = NDArray[np.intp]

SMOOTHING = 1.0
PULL = 0.4
"""How much of the machine's scaling is the same for every feature."""
COST = 1.0
FOLDS = 5
MIXTURES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of naive Bayes to choose from."""
BAYES_WEIGHT, MACHINE_WEIGHT = 16.0, 2.0
"""What a description counts, in examples."""
WEAK_HALF = 0.5
"""The share of all occurrences that a head with descriptions forgets: those of the n-grams that tell its classes least apart. The
answers are as good, and what takes most of the time, looking weights up, takes half of it."""
_SEED = 7


@dataclass(frozen=True)
class Lessons:
    """What a head learns from: rows of counts with their labels; the last `extra` of them are descriptions, never tested."""

    counts: Matrix
    labels: Labels
    names: tuple[str, ...]
    """Of the classes."""
    parents: tuple[Labels, ...] = ()
    """For each level above the leaves, which node each class belongs to."""
    extra: int = 0

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def examples(self) -> int:
        """Rows that are examples."""
        return len(self.labels) - self.extra


@dataclass(frozen=True)
class Linear:
    """Weights [features, classes] and bias."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, rows: Matrix) -> NDArray[np.float64]:
        """A score for each row and class."""
        result: NDArray[np.float64] = rows @ self.weights + self.bias
        return result


@dataclass(frozen=True)
class Mixture:
    """How a head is made of the two learners, and what cross-validation said about it."""

    share: float
    spreads: tuple[float, float]
    temperature: float
    probabilities: Floats
    """Of the examples, each by a model that had not seen it."""


def document_weights(counts: Matrix, extra: int) -> Floats:
    """Inverse document frequencies; what occurs once and in no description gets 0, for it teaches nothing."""
    examples = counts.shape[0] - extra
    seen = np.bincount(counts[:examples].indices, minlength=counts.shape[1])
    told = np.bincount(counts[examples:].indices, minlength=counts.shape[1]) if extra else np.zeros_like(seen)
    frequency = seen + told
    idf = np.log((1 + counts.shape[0]) / (1 + frequency)) + 1
    return np.where((seen >= 2) | (told > 0), idf, 0).astype(np.float32)


def bayes(rows: Matrix, lessons: Lessons, chosen: NDArray[np.intp]) -> Linear:
    """Complement naive Bayes over leaves, plus the same over each level above them: siblings share what they have in common."""
    weight = np.where(chosen < lessons.examples, 1.0, BAYES_WEIGHT)
    total = _complement(rows, lessons.labels[chosen], lessons.classes, weight)
    for parent in lessons.parents:
        total += _complement(rows, parent[lessons.labels[chosen]], int(parent.max()) + 1, weight)[:, parent]
    return Linear(total, np.zeros(lessons.classes))


def machine(rows: Matrix, lessons: Lessons, chosen: NDArray[np.intp]) -> Linear:
    """One support-vector machine a class against all others."""
    labels = lessons.labels[chosen]
    weight = np.where(chosen < lessons.examples, 1.0, MACHINE_WEIGHT)
    present = csr_array((np.ones_like(rows.data), rows.indices, rows.indptr), shape=rows.shape)
    sums = _sums(present, labels, lessons.classes, np.ones(len(labels)))
    everywhere = sums.sum(axis=0)

    def one(number: int) -> tuple[NDArray[np.float64], float]:
        return _machine_of(rows, labels == number, weight, _scaling(sums[number], everywhere - sums[number]))

    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(one, range(lessons.classes)))
    return Linear(np.stack([column for column, _ in parts], axis=1), np.array([bias for _, bias in parts]))


def cross_validate(lessons: Lessons) -> Mixture:
    """Put every example once to a model that has not seen it; choose the mixture and the temperature on the answers."""
    both = np.zeros((2, lessons.examples, lessons.classes))
    for tested in folds(lessons.labels[: lessons.examples]):
        chosen = np.flatnonzero(~np.isin(np.arange(len(lessons.labels)), tested))
        idf = document_weights(lessons.counts[chosen], lessons.extra)
        rows, others = weighted(lessons.counts[chosen], idf), weighted(lessons.counts[tested], idf)
        for number, learner in enumerate((bayes, machine)):
            both[number, tested] = _forgetting(learner(rows, lessons, chosen), lessons, idf).scores(others)
    both -= both.mean(axis=2, keepdims=True)
    spreads = (float(both[0].std()) or 1.0, float(both[1].std()) or 1.0)
    labels = lessons.labels[: lessons.examples]
    candidates = [(share, share * both[0] / spreads[0] + (1 - share) * both[1] / spreads[1]) for share in MIXTURES]
    share, scores = max(candidates, key=lambda candidate: macro_f1(labels, candidate[1].argmax(axis=1)))
    temperature = fit_temperature(scores.astype(np.float32), labels)
    return Mixture(share, spreads, temperature, softmax(scores.astype(np.float32), temperature))


def fit(lessons: Lessons, mixture: Mixture, idf: Floats) -> Linear:
    """The head itself, learned from everything."""
    chosen = np.arange(len(lessons.labels))
    rows = weighted(lessons.counts, idf)
    weights = np.zeros((rows.shape[1], lessons.classes))
    bias = np.zeros(lessons.classes)
    shares = (mixture.share / mixture.spreads[0], (1 - mixture.share) / mixture.spreads[1])
    for share, learner in zip(shares, (bayes, machine), strict=True):
        if share:
            learned = _forgetting(learner(rows, lessons, chosen), lessons, idf)
            weights += share * learned.weights
            bias += share * learned.bias
    return Linear(weights, bias)


def folds(labels: Labels) -> list[NDArray[np.intp]]:
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
    """The temperature at which the probabilities fit the labels best (least log loss); of equally good ones the most modest."""
    right = np.arange(len(labels)), labels

    def loss(temperature: float) -> tuple[float, float]:
        likely = np.maximum(softmax(scores, temperature)[right], 1e-9)
        return round(float(-np.log(likely).mean()), 2), -temperature

    return float(min(np.geomspace(0.02, 20, 80), key=loss))


def _forgetting(learned: Linear, lessons: Lessons, idf: Floats) -> Linear:
    """Without the n-grams that tell least: their rows become zero. Each row is centred, for only differences decide."""
    centred = learned.weights - learned.weights.mean(axis=1, keepdims=True)
    if lessons.extra:
        occurrences = np.bincount(lessons.counts.indices, minlength=len(idf))
        order = np.argsort(idf * centred.std(axis=1), kind="stable")
        weak = np.cumsum(occurrences[order]) < WEAK_HALF * occurrences.sum()
        centred[order[weak]] = 0
    return Linear(centred, learned.bias - learned.bias.mean())


def _complement(rows: Matrix, labels: Labels, classes: int, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    own = _sums(rows, labels, classes, weight)
    others = own.sum(axis=0) + SMOOTHING - own
    result: NDArray[np.float64] = -np.log(others / others.sum(axis=1, keepdims=True)).T
    return result


def _sums(rows: Matrix, labels: Labels, classes: int, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted sum of the rows of each class."""
    membership = csr_array((weight, (labels, np.arange(len(labels)))), shape=(classes, len(labels)))
    result: NDArray[np.float64] = (membership @ rows).toarray()
    return result


def _scaling(within: NDArray[np.float64], without: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.log((within + 1) / (within + 1).sum()) - np.log((without + 1) / (without + 1).sum())
    result: NDArray[np.float64] = PULL + (1 - PULL) * np.abs(ratio)
    return result


def _machine_of(
    rows: Matrix, positive: NDArray[np.bool_], weight: NDArray[np.float64], scaling: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    if positive.all() or not positive.any():
        return np.zeros(rows.shape[1]), 1.0 if positive.any() else -1.0
    learner = LinearSVC(C=COST, random_state=_SEED).fit(rows @ diags_array(scaling), positive, sample_weight=weight)
    return learner.coef_[0] * scaling, float(learner.intercept_[0])
