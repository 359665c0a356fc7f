"""The words that decided: what each n-gram adds to the category's score more than to its rival's, gathered into spans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.classifier.features import ORDERS, READ_WHOLE, Tokens, offset_in_text
from services.classifier.model import Evidence, Text
from services.classifier.sparse import Topics
from services.classifier.vocabulary import Floats, Hits

MOST = 5
"""Spans of a text that are told."""
_FAINT = 0.25
"""A token that carries less than this part of the weightiest one's weight joins no span."""


@dataclass(frozen=True, slots=True)
class Contest:
    """For each document the columns of the category chosen and of its strongest rival, and what a score is to be divided by."""

    winner: NDArray[np.intp]
    rival: NDArray[np.intp]
    scale: Floats


def explain(items: Sequence[Text], tokens: Tokens, hits: Hits, weights: Topics, contest: Contest) -> list[list[Evidence]]:
    """For each document up to five spans of its text, the weightiest first; weights are log-odds."""
    heard = hits.among(weights.features)
    carried = _carried(len(tokens.symbols), heard, _gains(tokens, heard, weights, contest))
    carried[(tokens.starts < tokens.text_starts[tokens.document]) | ~tokens.is_word] = 0
    positive = np.flatnonzero(carried > 0)
    document = tokens.document[positive]
    strongest = np.zeros(len(items))
    np.maximum.at(strongest, document, carried[positive])
    return _gathered(items, tokens, positive[carried[positive] >= _FAINT * strongest[document]], carried)


def _gains(tokens: Tokens, hits: Hits, weights: Topics, contest: Contest) -> NDArray[np.float64]:
    """What each occurrence adds to the winner's score more than to the rival's."""
    document = tokens.document[hits.first]
    difference = weights.difference(hits.features, contest.winner[document], contest.rival[document])
    gains: NDArray[np.float64] = (difference / contest.scale[document]).astype(np.float64)
    return gains


def _carried(count: int, hits: Hits, gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each token carries: an equal part of each n-gram over it, added in an order no other document can change."""
    parts = gains / hits.size
    carried = np.zeros(count)
    for place in range(ORDERS):
        over = hits.size > place
        carried += np.bincount(hits.first[over] + place, weights=parts[over], minlength=count)
    return carried


def _gathered(
    items: Sequence[Text], tokens: Tokens, telling: NDArray[np.intp], carried: NDArray[np.float64]
) -> list[list[Evidence]]:
    """Neighbouring tokens become one span, with what all of them carry."""
    result: list[list[Evidence]] = [[] for _ in items]
    behind = tokens.text_starts.tolist()
    if not len(telling):
        return result
    apart = (np.diff(telling) != 1) | (np.diff(tokens.segment[telling]) != 0)
    begins = np.concatenate(([0], np.flatnonzero(apart) + 1))
    totals = np.add.reduceat(carried[telling], begins).round(4)
    firsts, lasts = telling[begins], telling[np.append(begins[1:], len(telling)) - 1]
    documents = tokens.document[firsts]
    order = np.lexsort((firsts, -totals, documents))
    order = order[_rank(documents[order]) < MOST]
    spans = zip(documents[order].tolist(), tokens.starts[firsts[order]].tolist(), tokens.ends[lasts[order]].tolist(), strict=True)
    for (document, start, end), total in zip(spans, totals[order].tolist(), strict=True):
        text, before = items[document].text, behind[document]
        result[document].append(_evidence(text, start - before, end - before, total))
    return result


def _evidence(text: str, start: int, end: int, total: float) -> Evidence:
    if len(text) > READ_WHOLE:
        start, end = offset_in_text(start, len(text)), offset_in_text(end - 1, len(text)) + 1
    return Evidence(start, end, text[start:end], total)


def _rank(sorted_documents: NDArray[np.int32]) -> NDArray[np.intp]:
    """The place of each entry among those of its document."""
    new = np.flatnonzero(np.diff(sorted_documents, prepend=-1))
    result: NDArray[np.intp] = np.arange(len(sorted_documents)) - np.repeat(new, np.diff(new, append=len(sorted_documents)))
    return result
