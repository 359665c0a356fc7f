"""From a pack and its examples to a model: the vocabulary, three heads, thresholds and honest figures."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sklearn

from services.classifier import alphabet, artifact, features, figures, learning
from services.classifier.alarm import Alarm, read_alarm
from services.classifier.alphabet import normalise
from services.classifier.features import Place, Tokens, tokenize
from services.classifier.knowledge import descriptions, leaves
from services.classifier.learned import Artifact, Head, Thresholds, Tree, in_tree_order
from services.classifier.learning import Lessons, Mixture, cross_validate, document_weights, fit
from services.classifier.model import Text
from services.classifier.regions import Gazetteer, gazetteer
from services.classifier.vocabulary import MOST_FEATURES, Matrix, Vocabulary, learn_vocabulary
from shared.events.words import KINDS, URGENCIES
from shared.pack.model import Example, Pack


@dataclass(frozen=True)
class _School:
    """Everything that the heads learn from."""

    examples: Sequence[Example]
    texts: list[Text]
    described: list[tuple[str, Text]]
    classes: tuple[str, ...]
    vocabulary: Vocabulary
    counts: Matrix
    """Of the examples, then of the descriptions."""
    gazetteer: Gazetteer
    alarm: Alarm


def train(pack: Pack, examples: Sequence[Example]) -> Artifact:
    """Learn from the examples and from what the pack says about its categories. The same input gives the same model."""
    school = _school(pack, examples)
    lessons = (_category_lessons(school), _labelled(school, "kind", KINDS), _labelled(school, "urgency", URGENCIES))
    mixtures = [cross_validate(lesson) for _, lesson in lessons]
    idf = document_weights(school.counts, len(school.described))
    heads, parts, first = [], [], 0
    for (classes, lesson), mixture in zip(lessons, mixtures, strict=True):
        parts.append(fit(lesson, mixture, idf))
        heads.append(Head(classes, first, mixture.temperature))
        first += len(classes)
    thresholds, told = _examined(school, heads, lessons, mixtures)
    return Artifact(
        version=version_of(pack, examples),
        pack_name=pack.city.name,
        pack_version=pack.city.version,
        vocabulary=school.vocabulary,
        idf=idf,
        weights=(np.concatenate([part.weights for part in parts], axis=1) * idf[:, None]).astype(np.float32),
        bias=np.concatenate([part.bias for part in parts]).astype(np.float32),
        category=heads[0],
        kind=heads[1],
        urgency=heads[2],
        thresholds=thresholds,
        gazetteer=school.gazetteer,
        alarm=school.alarm,
        figures=told,
    )


def version_of(pack: Pack, examples: Sequence[Example]) -> str:
    """The version a model trained from these has: of everything that can change an answer, a hash."""
    parts: list[Any] = [
        artifact.FORMAT,
        pack.city.name,
        pack.city.version,
        descriptions(pack),
        asdict(gazetteer(pack)),
        asdict(read_alarm()),
        [example.model_dump(mode="json") for example in examples],
        [features.ORDERS, features.HEAD, features.TAIL, features.TITLE, features.OPENING, features.LONG, MOST_FEATURES],
        [learning.SMOOTHING, learning.PULL, learning.COST, learning.FOLDS, learning.MIXTURES, figures.PRECISION],
        [learning.BAYES_WEIGHT, learning.MACHINE_WEIGHT],
        [np.__version__, sklearn.__version__, alphabet.VERSION],
    ]
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=asdict)
    return f"{pack.city.name}-{hashlib.sha256(canonical.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _school(pack: Pack, examples: Sequence[Example]) -> _School:
    described = descriptions(pack)
    classes = in_tree_order({category.code for category in leaves(pack)})
    taught = _without_repeats([example for example in examples if example.category in classes])
    if len(taught) < learning.FOLDS:
        raise ValueError(
            f"{len(taught)} usable examples: at least {learning.FOLDS} with a category of the lowest level are needed"
        )
    texts = [Text(example.title, example.text) for example in taught]
    regions = gazetteer(pack)
    vocabulary, counts = learn_vocabulary(texts, [text for _, text in described], regions.finder())
    return _School(taught, texts, described, classes, vocabulary, counts, regions, read_alarm())


def _without_repeats(examples: Sequence[Example]) -> list[Example]:
    """A text said twice would stand on both sides of the cross-validation."""
    return list({normalise(f"{example.title}\n{example.text}"): example for example in reversed(examples)}.values())[::-1]


def _category_lessons(school: _School) -> tuple[tuple[str, ...], Lessons]:
    numbers = {code: number for number, code in enumerate(school.classes)}
    codes = [example.category for example in school.examples] + [code for code, _ in school.described]
    parents = tuple(level.node_of for level in Tree(school.classes).levels[:-1])
    labels = np.array([numbers[code] for code in codes], dtype=np.intp)
    return school.classes, Lessons(school.counts, labels, len(school.classes), parents, len(school.described))


def _labelled(school: _School, field: str, values: Sequence[str]) -> tuple[tuple[str, ...], Lessons]:
    """The lessons of another head: the examples alone, with those of its values that occur among them."""
    given = [getattr(example, field) for example in school.examples]
    classes = tuple(value for value in values if value in given)
    labels = np.array([classes.index(value) for value in given], dtype=np.intp)
    return classes, Lessons(school.counts[: len(given)], labels, len(classes))


def _examined(
    school: _School, heads: Sequence[Head], lessons: Sequence[tuple[tuple[str, ...], Lessons]], mixtures: Sequence[Mixture]
) -> tuple[Thresholds, dict[str, Any]]:
    """The thresholds and the figures, all from answers about examples the answering model had not seen."""
    tree = Tree(school.classes)
    leaves_seen = lessons[0][1].labels[: len(school.examples)]
    levels, answers = figures.choose_thresholds(tree, mixtures[0].probabilities, leaves_seen)
    tokens = tokenize(school.texts, school.gazetteer.finder())
    alarm, emergency = _alarm(school, tokens, heads[2], mixtures[2])
    told = {
        "examples": len(school.examples),
        "categories": len(school.classes),
        "features": len(school.vocabulary),
        "levels": figures.by_level(tree, mixtures[0].probabilities, leaves_seen),
        "kind": _head_quality(lessons[1][1], mixtures[1]),
        "urgency": _head_quality(lessons[2][1], mixtures[2]),
        "emergency": emergency,
        "region": _region_accuracy(school, tokens),
        "answers": answers,
        "decided": round(sum(answer["coverage"] for answer in answers), 4),
        "table": figures.table(tree, mixtures[0].probabilities, leaves_seen),
        "bayes_share": [mixture.share for mixture in mixtures],
    }
    return Thresholds(levels, alarm), told


def _head_quality(lessons: Lessons, mixture: Mixture) -> dict[str, float]:
    return figures.quality(lessons.labels, mixture.probabilities.argmax(axis=1))


def _alarm(school: _School, tokens: Tokens, head: Head, mixture: Mixture) -> tuple[float, dict[str, float]]:
    """The threshold for emergencies and what rules and model find together."""
    rules = np.array(school.alarm.ringing(tokens), dtype=np.bool_)
    truth = np.array([example.urgency == "emergency" for example in school.examples])
    if "emergency" not in head.classes:
        return figures.NEVER, figures.recall_and_precision(rules, truth)
    probability = mixture.probabilities[:, head.classes.index("emergency")]
    threshold = figures.alarm_threshold(probability, rules, truth)
    return threshold, figures.recall_and_precision(rules | (probability >= threshold), truth)


def _region_accuracy(school: _School, tokens: Tokens) -> float:
    """How often the region found is the one labelled, none where none is."""
    places: list[list[Place]] = [[] for _ in school.texts]
    for place in tokens.places:
        places[place.document].append(place)
    found = [school.gazetteer.decide(named) for named in places]
    right = [(one[0] if one else None) == example.region for one, example in zip(found, school.examples, strict=True)]
    return round(sum(right) / len(right), 4)
