"""From a pack and its examples to a model: three heads, thresholds and honest figures."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy

from services.classifier import alphabet, artifact, features, figures, learning, likeness, sparse, vocabulary
from services.classifier.alarm import DOUBTFUL, read_alarm
from services.classifier.deciding import alarming, alarms
from services.classifier.knowledge import descriptions
from services.classifier.learned import Artifact, Head, Thresholds
from services.classifier.learning import Lessons, Mixture, Study, cross_validate, document_weights, fit
from services.classifier.likeness import Likeness
from services.classifier.regions import gazetteer
from services.classifier.school import School, enrol
from services.classifier.vocabulary import Floats, weighted
from shared.pack.model import Example, Pack


@dataclass(frozen=True)
class _Subject:
    """A head as it was taught: by what, and how it did in cross-validation."""

    lessons: Lessons
    mixture: Mixture

    @property
    def head(self) -> Head:
        return Head(self.lessons.names, 0, self.mixture.temperature)

    @property
    def quality(self) -> dict[str, float]:
        return figures.quality(self.lessons.tested, self.mixture.probabilities.argmax(axis=1))


def train(pack: Pack, examples: Sequence[Example]) -> Artifact:
    """Learn from the examples and from what the pack says about its categories. The same input gives the same model."""
    school = enrol(pack, examples)
    study = _study(school)
    category, kind, urgency = (
        _Subject(lessons, cross_validate(study, lessons)) for lessons in (school.categories(), school.kinds(), school.urgencies())
    )
    blocks, topic_bias = fit(study, category.lessons, category.mixture)
    topics = sparse.sparse(blocks, np.bincount(school.counts.indices, minlength=len(school.vocabulary)))
    tones, tone_bias = _tones(study, kind, urgency)
    order = sparse.ranked(topics)
    telling = order[: np.count_nonzero(np.diff(topics.indptr))]
    thresholds, told = _examined(school, category, kind, urgency)
    return Artifact(
        version=version_of(pack, examples),
        pack_name=pack.city.name,
        pack_version=pack.city.version,
        vocabulary=school.vocabulary.reordered(order),
        idf=study.idf[order],
        topics=sparse.Topics.of(topics[telling]),
        topic_bias=topic_bias,
        tones=tones[order],
        tone_bias=tone_bias,
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
        [learning.SMOOTHING, learning.FOLDS, learning.MIXTURES, learning.KINSHIP, learning.BAYES_WEIGHT],
        [likeness.COST, likeness.DESCRIPTION_WEIGHT, likeness.MOST_ROWS],
        [sparse.MOST_WEIGHTS, sparse.SHARE, sparse.FEWEST, sparse.MANY, figures.PRECISION, figures.FEWEST, figures.RECALL],
        [np.__version__, scipy.__version__, alphabet.VERSION],
    ]
    canonical = json.dumps(parts, sort_keys=True, default=asdict)
    return f"{pack.city.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def _study(school: School) -> Study:
    idf = document_weights(school.counts, len(school.described))
    rows = weighted(school.counts, idf)
    return Study(rows, idf, Likeness.of(rows, len(school.examples)))


def _tones(study: Study, *subjects: _Subject) -> tuple[Floats, Floats]:
    """The weights of several heads, side by side."""
    learned = [fit(study, subject.lessons, subject.mixture) for subject in subjects]
    weights = np.concatenate([np.concatenate(list(blocks)) for blocks, _ in learned], axis=1)
    return weights, np.concatenate([bias for _, bias in learned])


def _examined(school: School, category: _Subject, kind: _Subject, urgency: _Subject) -> tuple[Thresholds, dict[str, Any]]:
    """The thresholds and the figures, all from answers about examples the answering model had not seen."""
    tree, answered = school.tree, category.mixture.probabilities
    leaves = category.lessons.tested
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


def _alarm(school: School, urgency: _Subject) -> tuple[tuple[float, ...], dict[str, float]]:
    """The thresholds for emergencies, and what rules and model find together."""
    rings = np.array(school.alarm.ringing(school.tokens()), dtype=np.int8)
    truth = np.array([example.urgency == "emergency" for example in school.examples])
    if not truth.any():
        return figures.NO_MODEL, figures.recall_and_precision(rings >= DOUBTFUL, truth)
    likely = alarming(urgency.lessons.names, urgency.mixture.probabilities)
    thresholds = figures.alarm_thresholds(likely, rings, truth)
    return thresholds, figures.recall_and_precision(alarms(rings, likely, thresholds), truth)


def _region_accuracy(school: School) -> float:
    """How often the region found is the one labelled, and none where none is."""
    found = school.gazetteer.find(school.tokens())
    right = [region == example.region for (region, _), example in zip(found, school.examples, strict=True)]
    return round(sum(right) / len(right), 4)
