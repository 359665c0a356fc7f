"""From a pack and its examples to a model: three heads, thresholds and honest figures."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from services.classifier import alphabet, artifact, features, figures, learning, vocabulary
from services.classifier.alarm import read_alarm
from services.classifier.knowledge import descriptions
from services.classifier.learned import Artifact, Head, Thresholds
from services.classifier.learning import Lessons, Linear, Mixture, cross_validate, document_weights, fit
from services.classifier.regions import gazetteer
from services.classifier.school import School, enrol
from services.classifier.vocabulary import Floats
from shared.pack.model import Example, Pack


@dataclass(frozen=True)
class _Subject:
    """A head as it was taught: by what, how it did in cross-validation, and what it learned."""

    lessons: Lessons
    mixture: Mixture
    learned: Linear

    @property
    def head(self) -> Head:
        return Head(self.lessons.names, 0, self.mixture.temperature)

    @property
    def quality(self) -> dict[str, float]:
        return figures.quality(self.lessons.labels[: self.lessons.examples], self.mixture.probabilities.argmax(axis=1))


def train(pack: Pack, examples: Sequence[Example]) -> Artifact:
    """Learn from the examples and from what the pack says about its categories. The same input gives the same model."""
    school = enrol(pack, examples)
    idf = document_weights(school.counts, len(school.described))
    category, kind, urgency = (_taught(lessons, idf) for lessons in (school.categories(), school.kinds(), school.urgencies()))
    telling = category.learned.weights.any(axis=1)
    order = np.argsort(~telling, kind="stable")
    thresholds, told = _examined(school, category, kind, urgency)
    return Artifact(
        version=version_of(pack, examples),
        pack_name=pack.city.name,
        pack_version=pack.city.version,
        vocabulary=school.vocabulary.reordered(order),
        idf=idf[order],
        topics=_served(category.learned.weights * idf[:, None])[order[: telling.sum()]],
        topic_bias=_served(category.learned.bias),
        tones=_served(np.concatenate([kind.learned.weights, urgency.learned.weights], axis=1) * idf[:, None])[order],
        tone_bias=_served(np.concatenate([kind.learned.bias, urgency.learned.bias])),
        category=category.head,
        kind=kind.head,
        urgency=replace(urgency.head, first=len(kind.head.classes)),
        thresholds=thresholds,
        gazetteer=school.gazetteer,
        alarm=school.alarm,
        figures=told,
    )


def version_of(pack: Pack, examples: Sequence[Example]) -> str:
    """The version a model trained from these has: of everything that can change an answer, a hash."""
    parts: list[Any] = [
        [artifact.FORMAT, pack.city.name, pack.city.version],
        [descriptions(pack), asdict(gazetteer(pack)), asdict(read_alarm())],
        [example.model_dump(mode="json") for example in examples],
        [features.ORDERS, features.HEAD, features.TAIL, features.TITLE, features.OPENING, features.LONG],
        [vocabulary.MOST_FEATURES],
        [learning.SMOOTHING, learning.PULL, learning.COST, learning.FOLDS, learning.MIXTURES, learning.WEAK_HALF],
        [learning.BAYES_WEIGHT, learning.MACHINE_WEIGHT, figures.PRECISION, figures.FEWEST],
        [np.__version__, scipy.__version__, sklearn.__version__, alphabet.VERSION],
    ]
    canonical = json.dumps(parts, sort_keys=True, default=asdict)
    return f"{pack.city.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def _taught(lessons: Lessons, idf: Floats) -> _Subject:
    mixture = cross_validate(lessons)
    return _Subject(lessons, mixture, fit(lessons, mixture, idf))


def _served(numbers: NDArray[np.float64]) -> Floats:
    return np.ascontiguousarray(numbers, dtype=np.float32)


def _examined(school: School, category: _Subject, kind: _Subject, urgency: _Subject) -> tuple[Thresholds, dict[str, Any]]:
    """The thresholds and the figures, all from answers about examples the answering model had not seen."""
    tree, answered = school.tree, category.mixture.probabilities
    leaves = category.lessons.labels[: len(school.examples)]
    levels, answers = figures.choose_thresholds(tree, answered, leaves)
    alarm, emergency = _alarm(school, urgency)
    told = {
        "examples": len(school.examples),
        "categories": len(tree.leaves),
        "features": len(school.vocabulary),
        "levels": figures.by_level(tree, answered, leaves),
        "kind": kind.quality,
        "urgency": urgency.quality,
        "emergency": emergency,
        "region": _region_accuracy(school),
        "answers": answers,
        "decided": round(sum(answer["coverage"] for answer in answers), 4),
        "table": figures.table(tree, answered, leaves),
        "bayes": {"category": category.mixture.share, "kind": kind.mixture.share, "urgency": urgency.mixture.share},
    }
    return Thresholds(levels, alarm), told


def _alarm(school: School, urgency: _Subject) -> tuple[float, dict[str, float]]:
    """The threshold for emergencies, and what rules and model find together."""
    rules = np.array(school.alarm.ringing(school.tokens()), dtype=np.bool_)
    truth = np.array([example.urgency == "emergency" for example in school.examples])
    if not truth.any():
        return figures.NEVER, figures.recall_and_precision(rules, truth)
    probability = urgency.mixture.probabilities[:, urgency.lessons.names.index("emergency")]
    threshold = figures.alarm_threshold(probability, rules, truth)
    return threshold, figures.recall_and_precision(rules | (probability >= threshold), truth)


def _region_accuracy(school: School) -> float:
    """How often the region found is the one labelled, and none where none is."""
    found = school.gazetteer.find(school.tokens())
    right = [region == example.region for (region, _), example in zip(found, school.examples, strict=True)]
    return round(sum(right) / len(right), 4)
