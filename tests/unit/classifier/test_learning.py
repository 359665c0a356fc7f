"""The learners: what cross-validation says is what a model that had not seen the examples would have answered."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from services.classifier import likeness
from services.classifier.learning import BLOCK, Lessons, Mixture, Study, cross_validate, fit, folds
from services.classifier.likeness import Likeness
from services.classifier.sparse import Topics, ranked, sparse
from services.classifier.vocabulary import Floats, Matrix

EXAMPLES, DESCRIPTIONS, CLASSES = 60, 8, 4


def _rows(random: np.random.Generator, features: int = 90) -> Matrix:
    counts = random.random((EXAMPLES + DESCRIPTIONS, features)) * (random.random((EXAMPLES + DESCRIPTIONS, features)) < 0.2)
    return csr_array((counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)).astype(np.float32))


def _lessons() -> Lessons:
    labels = np.arange(EXAMPLES + DESCRIPTIONS) % CLASSES
    return Lessons(labels, ("a.x", "a.y", "b.x", "b.y"), (np.array([0, 0, 1, 1]),), DESCRIPTIONS)


def _targets() -> Floats:
    return np.eye(CLASSES, dtype=np.float32)[np.arange(EXAMPLES + DESCRIPTIONS) % CLASSES]


def _scores(rows: Matrix, like: Likeness, targets: Floats) -> Floats:
    solved = like.solved(targets)
    result: Floats = rows @ like.weights(like.rows, solved) + solved.sum(axis=0)
    return result


def test_what_is_held_out_is_answered_as_by_a_model_that_never_saw_it() -> None:
    rows, targets = _rows(np.random.default_rng(1)), _targets()
    whole = Likeness.of(rows, EXAMPLES)
    parts = folds(np.arange(EXAMPLES) % CLASSES)
    told = whole.held_out(targets, whole.solved(targets), parts)
    for part in parts:
        rest = np.setdiff1d(np.arange(EXAMPLES + DESCRIPTIONS), part)
        without = Likeness.of(rows[rest], EXAMPLES - len(part))
        solved = without.solved(targets[rest])
        expected = rows[part] @ without.weights(rows[rest], solved) + solved.sum(axis=0)
        assert np.allclose(told[part], expected, atol=1e-4)


def test_a_long_history_teaches_with_as_many_rows_as_fit_and_is_examined_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "MOST_ROWS", 40)
    rows, targets = _rows(np.random.default_rng(2)), _targets()
    some = Likeness.of(rows, EXAMPLES)
    assert some.inverse.shape == (40 + DESCRIPTIONS, 40 + DESCRIPTIONS)
    told = some.held_out(targets, some.solved(targets), folds(np.arange(EXAMPLES) % CLASSES))
    unseen = np.setdiff1d(np.arange(EXAMPLES), some.taught)
    assert told.shape == (EXAMPLES, CLASSES)
    assert np.allclose(told[unseen], _scores(rows, some, targets)[unseen], atol=1e-4)


def test_weights_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _rows(np.random.default_rng(3))
    study = Study(rows, np.ones(rows.shape[1], dtype=np.float32), Likeness.of(rows, EXAMPLES))
    mixture = cross_validate(study, _lessons())
    assert rows.shape[1] < BLOCK
    whole = _weights(study, mixture)
    monkeypatch.setattr("services.classifier.learning.BLOCK", 7)
    assert np.allclose(_weights(study, mixture), whole, atol=1e-5)


def _weights(study: Study, mixture: Mixture) -> Floats:
    blocks, _ = fit(study, _lessons(), mixture)
    return np.concatenate(list(blocks))


def test_the_weightiest_weights_are_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.classifier.sparse.FEWEST", 10)
    monkeypatch.setattr("services.classifier.sparse.MOST_WEIGHTS", 12)
    dense = np.random.default_rng(4).normal(size=(20, 5)).astype(np.float32)
    kept = sparse([dense[:8], dense[8:]], np.ones(20, dtype=np.int64))
    stored = kept.toarray()
    assert kept.nnz == 12
    assert (stored[stored != 0] == dense[stored != 0]).all()
    assert np.abs(stored[stored != 0]).min() >= np.quantile(np.abs(dense), 0.6)


def test_a_weight_of_a_frequent_word_is_worth_more_than_the_same_of_a_rare_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.classifier.sparse.FEWEST", 3)
    monkeypatch.setattr("services.classifier.sparse.MOST_WEIGHTS", 3)
    kept = sparse([np.ones((2, 3), dtype=np.float32)], np.array([1, 100]))
    assert kept.toarray().tolist() == [[0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("many", [0, 1, 3, 9])
def test_topics_score_and_compare_as_the_weights_they_were_made_of(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr("services.classifier.sparse.MANY", many)
    random = np.random.default_rng(6)
    weights = csr_array((random.normal(size=(30, 5)) * (random.random((30, 5)) < 0.5)).astype(np.float32))
    weights = weights[ranked(weights)]
    topics = Topics.of(weights)
    rows = csr_array((random.random((7, 30)) < 0.4).astype(np.float32))
    features, winner, rival = np.arange(30, dtype=np.int32), np.arange(30) % 5, (np.arange(30) + 2) % 5
    assert topics.features == 30
    assert np.allclose(topics.scores(rows), rows @ weights.toarray(), atol=1e-5)
    expected = weights.toarray()[features, winner] - weights.toarray()[features, rival]
    assert np.allclose(topics.difference(features, winner, rival), expected)
