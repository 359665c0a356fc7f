"""From probabilities to a decision, by hand-made numbers."""

import numpy as np

from services.classifier.deciding import decide, likeliest
from services.classifier.figures import FEWEST, NEVER, lowest_threshold
from services.classifier.learned import Tree, in_tree_order, softmax

TREE = Tree(("a.x", "a.y", "b.x", "b.y"))


def _row(*numbers: float) -> np.ndarray:
    return np.array([numbers], dtype=np.float32)


def test_a_sure_leaf_is_answered() -> None:
    found = decide(TREE, _row(0.7, 0.1, 0.1, 0.1), (0.9, 0.6))
    assert (found.codes, found.sure.tolist(), found.winner.tolist(), found.rival.tolist()) == (["a.x"], [True], [0], [1])


def test_where_only_the_first_level_is_sure_it_is_answered_against_the_rest() -> None:
    found = decide(TREE, _row(0.41, 0.5, 0.02, 0.07), (0.9, 0.6))
    assert (found.codes, found.sure.tolist(), found.winner.tolist(), found.rival.tolist()) == (["a"], [True], [1], [3])
    assert found.probability.round(2).tolist() == [np.float32(0.91).round(2)]


def test_where_nothing_is_sure_the_likeliest_leaf_is_told_unsure() -> None:
    found = decide(TREE, _row(0.3, 0.2, 0.26, 0.24), (0.9, 0.6))
    assert (found.codes, found.sure.tolist()) == (["a.x"], [False])


def test_a_tree_may_have_branches_of_different_depth() -> None:
    tree = Tree(in_tree_order({"a-b", "a.x.p", "a.x.q", "b"}))
    assert tree.leaves == ("a.x.p", "a.x.q", "a-b", "b")
    assert [level.names for level in tree.levels] == [["a", "a-b", "b"], ["a.x", "a-b", "b"], ["a.x.p", "a.x.q", "a-b", "b"]]
    assert (
        tree.levels[0].sums(_row(0.1, 0.2, 0.3, 0.4)).round(3).tolist()
        == np.array([[0.3, 0.3, 0.4]], dtype=np.float32).round(3).tolist()
    )


def test_equal_probabilities_keep_their_order() -> None:
    assert likeliest(_row(0.2, 0.3, 0.2, 0.3), 4).tolist() == [[1, 3, 0, 2]]


def test_a_threshold_keeps_the_precision_or_is_never_reached() -> None:
    best = np.linspace(1, 0.5, 100, dtype=np.float32)
    right = np.arange(100) < 60
    assert (right[best >= lowest_threshold(best, right)]).mean() >= 0.85
    assert lowest_threshold(best, ~right) == NEVER
    assert lowest_threshold(best[: FEWEST - 1], right[: FEWEST - 1]) == NEVER


def test_probabilities_add_up_and_no_row_changes_another() -> None:
    scores = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32) * 50
    together = softmax(scores, 0.5)
    assert np.allclose(together.sum(axis=1), 1)
    assert all((softmax(scores[row : row + 1], 0.5)[0] == together[row]).all() for row in range(7))
