"""From scores to decisions, for a whole batch: which category at which level, against which rival, or why none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.classifier.features import Tokens
from services.classifier.learned import Head, Thresholds, Tree
from services.classifier.model import Abstention
from services.classifier.vocabulary import Floats, Hits

FEWEST_LETTERS = 2
"""A single character says nothing that a person would act on."""
KNOWN_SHARE = 0.4
"""Of the words; where fewer are known to the model, it has not learned the language of the text."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """One entry for each document."""

    codes: list[str]
    """The category, or what it would have been."""
    probability: Floats
    sure: NDArray[np.bool_]
    """Whether the probability reaches the threshold of its level."""
    winner: NDArray[np.intp]
    """The likeliest leaf in the category."""
    rival: NDArray[np.intp]
    """The likeliest leaf outside it."""


def decide(tree: Tree, probabilities: Floats, thresholds: Sequence[float]) -> Decisions:
    """The deepest category that is likely enough; where none is, the likeliest leaf, unsure.

    A first-level answer is worth having: routes match on prefixes, and where no route takes it, triage starts from it.
    """
    everyone = np.arange(len(probabilities))
    deepest = len(tree.levels) - 1
    chosen = np.full(len(probabilities), deepest)
    node = probabilities.argmax(axis=1)
    likely = probabilities[everyone, node]
    sure = likely >= thresholds[deepest]
    for level in range(deepest - 1, -1, -1):
        sums = tree.levels[level].sums(probabilities)
        best = sums.argmax(axis=1)
        take = ~sure & (sums[everyone, best] >= thresholds[level])
        chosen[take], node[take], likely[take] = level, best[take], sums[everyone, best][take]
        sure |= take
    inside = tree.nodes[chosen] == node[:, None]
    winner, rival = (np.where(kept, probabilities, -1).argmax(axis=1) for kept in (inside, ~inside))
    codes = [tree.levels[level].names[number] for level, number in zip(chosen.tolist(), node.tolist(), strict=True)]
    return Decisions(codes, likely, sure, winner, rival)


def likeliest(probabilities: Floats, most: int) -> NDArray[np.intp]:
    """The columns of the greatest probabilities of each row, greatest first; equal ones in their order."""
    most = min(most, probabilities.shape[1])
    some = np.sort(np.argpartition(probabilities, -most, axis=1)[:, -most:], axis=1)
    order = np.argsort(-np.take_along_axis(probabilities, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def abstentions(tokens: Tokens, hits: Hits, sure: NDArray[np.bool_]) -> list[Abstention | None]:
    """Why each document is left to people, or None."""
    words = tokens.totals(tokens.is_word)
    letters = tokens.totals((tokens.ends - tokens.starts) * tokens.is_word)
    is_known = np.zeros(len(tokens.is_word), dtype=np.bool_)
    is_known[hits.first[hits.size == 1]] = True
    known = tokens.totals(is_known & tokens.is_word)
    reasons = np.select([words == 0, letters < FEWEST_LETTERS, known < KNOWN_SHARE * words, ~sure], [1, 2, 3, 4], default=0)
    return [_REASONS[number] for number in reasons.tolist()]


_REASONS: tuple[Abstention | None, ...] = (None, "no_words", "too_short", "foreign_language", "uncertain")


def urgencies(head: Head, probabilities: Floats, thresholds: Thresholds, rings: Sequence[int]) -> list[str]:
    """An emergency where a rule or the model says so, else the likelier of the others."""
    others = [name for name in head.classes if name != "emergency"] or ["normal"]
    columns = [head.classes.index(name) for name in others if name in head.classes]
    best = probabilities[:, columns].argmax(axis=1) if columns else np.zeros(len(probabilities), dtype=np.intp)
    alarmed = alarms(np.array(rings, dtype=np.int8), alarming(head.classes, probabilities), thresholds.emergency)
    return ["emergency" if alarm else others[number] for alarm, number in zip(alarmed.tolist(), best.tolist(), strict=True)]


def alarming(classes: Sequence[str], probabilities: Floats) -> Floats:
    """From 0 to 1: how far an emergency stands out from the mean of all urgencies, which finds more of them than its probability
    does; 0 where the model has learned none."""
    if "emergency" not in classes:
        return np.zeros(len(probabilities), dtype=np.float32)
    logs = np.log(np.maximum(probabilities, 1e-30))
    result: Floats = 1 / (1 + np.exp(logs.mean(axis=1) - logs[:, classes.index("emergency")]))
    return result


def alarms(rings: NDArray[np.int8], likely: Floats, thresholds: Sequence[float]) -> NDArray[np.bool_]:
    """Which documents are emergencies: the louder the rules ring, the less it takes; a certain sign takes nothing."""
    result: NDArray[np.bool_] = likely >= np.array((*thresholds, 0.0))[rings]
    return result
