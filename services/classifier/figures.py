"""How good a model is, by answers it gave about examples it had not seen, and from which probability it may answer at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.classifier.alarm import CERTAIN, DOUBTFUL
from services.classifier.deciding import alarms
from services.classifier.learned import Tree
from services.classifier.learning import Labels, macro_f1
from services.classifier.vocabulary import Floats

PRECISION = 0.85
"""What the classifier decides by itself is to be right so often."""
RECALL = 0.9
"""So many of the emergencies are to be found: a missed one is worse than several false ones."""
FEWEST = 10
"""On fewer answers than these no threshold is founded."""
NEVER = 2.0
"""No probability reaches it."""
NO_MODEL = (NEVER, NEVER, 0.0)
"""The thresholds for emergencies where no model has learned any, by how loudly the rules ring."""
_PATIENCE = 300
_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

Flags = NDArray[np.bool_]


def quality(truth: Labels, answers: Labels) -> dict[str, float]:
    """Accuracy and macro-F1."""
    return {"accuracy": _rounded((truth == answers).mean()), "macro_f1": _rounded(macro_f1(truth, answers))}


def by_level(tree: Tree, probabilities: Floats, leaves: Labels) -> list[dict[str, Any]]:
    """The quality of the best answer at each level, the first level first."""
    return [
        {"level": number, **quality(level.node_of[leaves], level.sums(probabilities).argmax(axis=1))}
        for number, level in enumerate(tree.levels, 1)
    ]


def choose_thresholds(tree: Tree, probabilities: Floats, leaves: Labels) -> tuple[tuple[float, ...], list[dict[str, Any]]]:
    """For each level, deepest first, the lowest threshold that keeps the precision among what no deeper level answers."""
    open_ = np.ones(len(leaves), dtype=np.bool_)
    chosen: list[float] = []
    told: list[dict[str, Any]] = []
    for number, level in reversed(list(enumerate(tree.levels, 1))):
        sums = level.sums(probabilities)
        best, right = sums.max(axis=1), sums.argmax(axis=1) == level.node_of[leaves]
        threshold = lowest_threshold(best[open_], right[open_])
        answered = open_ & (best >= threshold)
        chosen.append(threshold)
        told.append({"level": number, "threshold": _rounded(threshold), **_coverage(answered, right)})
        open_ &= ~answered
    return tuple(reversed(chosen)), told[::-1]


def lowest_threshold(best: Floats, right: Flags) -> float:
    """The probability from which on answers are right often enough; `NEVER` where there is none.

    Where even the least sure answers were right, `PRECISION` itself is enough: examples so easy found no threshold.
    """
    order = np.argsort(-best, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= PRECISION) + 1
    if not len(enough) or enough[-1] < FEWEST:
        return NEVER
    lowest = float(best[order[enough[-1] - 1]])
    return min(lowest, PRECISION) if enough[-1] == len(order) else lowest


def table(tree: Tree, probabilities: Floats, leaves: Labels) -> list[dict[str, float]]:
    """Coverage and precision of the deepest level for a choice of thresholds."""
    level = tree.levels[-1]
    best, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == level.node_of[leaves]
    return [{"threshold": step, **_coverage(best >= step, right)} for step in _STEPS]


def alarm_thresholds(alarming: Floats, rings: NDArray[np.int8], truth: Flags) -> tuple[float, ...]:
    """From where on a model's emergency is one, by how loudly the rules ring.

    What finding one is worth in false alarms is raised until `RECALL` of them are found; every loudness then has its own best
    threshold, and if more are found than was asked the model has to be surer again, except where there is haste. Where the rules
    ring too seldom to tell, they are believed when there is haste, and the model otherwise not.
    """
    chosen: tuple[float, ...] = NO_MODEL
    for worth in np.geomspace(0.5, 200, _PATIENCE):
        chosen = tuple(_alarm_threshold(alarming, rings == loud, truth, float(worth), NO_MODEL[loud]) for loud in range(CERTAIN))
        if _finds_enough(alarms(rings, alarming, chosen), truth):
            break
    for loud in range(DOUBTFUL):
        chosen = _raised(alarming, rings, truth, chosen, loud)
    return chosen


def _raised(alarming: Floats, rings: NDArray[np.int8], truth: Flags, chosen: tuple[float, ...], loud: int) -> tuple[float, ...]:
    """With the highest threshold for this loudness that finds enough."""
    for step in np.sort(alarming[truth & (rings == loud) & (alarming > chosen[loud])])[::-1].tolist():
        higher = (*chosen[:loud], step, *chosen[loud + 1 :])
        if _finds_enough(alarms(rings, alarming, higher), truth):
            return higher
    return chosen


def _finds_enough(answers: Flags, truth: Flags) -> bool:
    return float((answers & truth).sum()) >= RECALL * float(truth.sum())


def _alarm_threshold(alarming: Floats, among: Flags, truth: Flags, worth: float, otherwise: float) -> float:
    """The threshold at which what is found is worth most."""
    if among.sum() < FEWEST:
        return otherwise
    order = np.argsort(-alarming[among], kind="stable")
    balance = np.cumsum(np.where(truth[among][order], worth, -1.0))
    best = int(balance.argmax())
    return float(alarming[among][order[best]]) if balance[best] > 0 else NEVER


def recall_and_precision(answers: Flags, truth: Flags) -> dict[str, float]:
    """How many of the true ones were found, and how many of those found are true."""
    hits = (answers & truth).sum()
    return {"recall": _rounded(hits / max(truth.sum(), 1)), "precision": _rounded(hits / max(answers.sum(), 1))}


def lines(figures: dict[str, Any]) -> Sequence[str]:
    """The figures for people to read."""
    return [
        f"{figures['examples']} examples, {figures['categories']} categories, {figures['features']} features",
        *(
            f"level {level['level']}: accuracy {level['accuracy']:.3f}, macro-F1 {level['macro_f1']:.3f}"
            for level in figures["levels"]
        ),
        *(
            f"{head}: accuracy {figures[head]['accuracy']:.3f}, macro-F1 {figures[head]['macro_f1']:.3f}"
            for head in ("kind", "urgency")
        ),
        "emergencies: recall {recall:.2f}, precision {precision:.2f}".format(**figures["emergency"]),
        f"region: accuracy {figures['region']:.3f}",
        *map(
            "answers at level {level} from {threshold:.2f}: coverage {coverage:.3f}, precision {precision:.3f}".format_map,
            figures["answers"],
        ),
        f"decided altogether: {figures['decided']:.3f}; the rest goes to triage with its candidates",
        "threshold  coverage  precision",
        *map("{threshold:>9.1f}  {coverage:>8.3f}  {precision:>9.3f}".format_map, figures["table"]),
    ]


def _coverage(answered: Flags, right: Flags) -> dict[str, float]:
    hits = right[answered].sum()
    return {"coverage": _rounded(answered.mean()), "precision": _rounded(hits / max(answered.sum(), 1))}


def _rounded(value: float) -> float:
    return round(float(value), 4)
