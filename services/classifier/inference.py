"""Answering for a batch: arrays as long as possible, objects only at the end."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from services.classifier.deciding import abstentions, decide, likeliest, urgencies
from services.classifier.explain import Contest, explain
from services.classifier.features import characters_read, tokenize
from services.classifier.learned import Artifact, Tree, softmax
from services.classifier.model import Candidate, Classification, Text
from services.classifier.vocabulary import Floats, count, divided, lengths
from shared.events.words import Kind, Urgency

RUNNERS_UP = 3
PART = 70_000
"""Characters classified at once: larger arrays are given back to the system after every step, which costs a fifth of the time."""


class Classifier:
    """Says what messages are about. It has no state but its model: any number of threads may ask it at once."""

    def __init__(self, artifact: Artifact) -> None:
        self._model = artifact
        self._tree = Tree(artifact.category.classes)
        self._names = artifact.gazetteer.finder()
        self._paths = {code: _path(code) for level in self._tree.levels for code in level.names}

    @property
    def version(self) -> str:
        """Of the model: the same text and the same version, the same answer."""
        return self._model.version

    @property
    def model(self) -> Artifact:
        """What was learned, with its figures."""
        return self._model

    def classify(self, items: Sequence[Text]) -> list[Classification]:
        """An answer for each text, which no other text of the batch can change."""
        return [answer for part in _parts(items) for answer in self._answers(part)]

    def _answers(self, items: Sequence[Text]) -> list[Classification]:
        model, tokens = self._model, tokenize(items, self._names)
        counts, hits = count(tokens, len(items), model.vocabulary)
        scale = lengths(counts, model.idf)
        rows = divided(counts, scale)
        leaves = softmax(model.topics.scores(rows) + model.topic_bias, model.category.temperature)
        decided = decide(self._tree, leaves, model.thresholds.levels)
        contest = Contest(decided.winner, decided.rival, scale * np.float32(model.category.temperature))
        tones: Floats = rows @ model.tones + model.tone_bias
        kinds = softmax(tones[:, model.kind.columns], model.kind.temperature)
        urgent = softmax(tones[:, model.urgency.columns], model.urgency.temperature)
        answers = zip(
            decided.codes,
            _plain(decided.probability),
            self._candidates(leaves),
            kinds.argmax(axis=1).tolist(),
            _plain(kinds.max(axis=1)),
            urgencies(model.urgency, urgent, model.thresholds, model.alarm.ringing(tokens)),
            model.gazetteer.find(tokens),
            explain(items, tokens, hits, model.topics, contest),
            abstentions(tokens, hits, decided.sure),
            strict=True,
        )
        return [
            Classification(
                category=None if reason else code,
                probability=probability,
                runners_up=_others(candidates, None if reason else code),
                path=() if reason else self._paths[code],
                kind=cast(Kind, model.kind.classes[kind]),
                kind_probability=kind_probability,
                urgency=cast(Urgency, urgency),
                region=region,
                region_evidence=name,
                why=tuple(why),
                model_version=model.version,
                abstained=reason,
            )
            for code, probability, candidates, kind, kind_probability, urgency, (region, name), why, reason in answers
        ]

    def _candidates(self, leaves: Floats) -> list[tuple[Candidate, ...]]:
        """The likeliest leaves of each document: one more than are told, for the first may be the answer itself."""
        order = likeliest(leaves, RUNNERS_UP + 1)
        names = self._model.category.classes
        codes = [names[column] for column in order.reshape(-1).tolist()]
        found = list(map(Candidate, codes, _plain(np.take_along_axis(leaves, order, axis=1).reshape(-1))))
        return [tuple(found[first : first + order.shape[1]]) for first in range(0, len(found), order.shape[1])]


def _parts(items: Sequence[Text]) -> Iterable[Sequence[Text]]:
    """The batch in parts of so many characters that the arrays of a part stay small, whatever a batch holds."""
    first = characters = 0
    for number, item in enumerate(items):
        characters += characters_read(item)
        if characters >= PART:
            yield items[first : number + 1]
            first, characters = number + 1, 0
    if first < len(items):
        yield items[first:]


def _others(candidates: tuple[Candidate, ...], code: str | None) -> tuple[Candidate, ...]:
    return candidates[1:] if candidates[0].code == code else candidates[:RUNNERS_UP]


def _path(code: str) -> tuple[str, ...]:
    parts = code.split(".")
    return tuple(".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _plain(numbers: Floats) -> list[float]:
    """Rounded, so that the last bits, in which machines differ, are nobody's business."""
    return cast(list[float], numbers.astype(np.float64).round(4).tolist())
