"""What training leaves behind and inference works with: arrays, names and figures, nothing executable."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.classifier.alarm import Alarm
from services.classifier.regions import Gazetteer
from services.classifier.sparse import Topics
from services.classifier.vocabulary import Floats, Vocabulary


@dataclass(frozen=True, slots=True)
class Head:
    """One question that is put to a text, and where its columns of the weights begin."""

    classes: tuple[str, ...]
    first: int
    temperature: float

    @property
    def columns(self) -> slice:
        """Of the weights and of the bias."""
        return slice(self.first, self.first + len(self.classes))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability the classifier answers, by level: the first level first. Above 1 it never does."""

    levels: tuple[float, ...]
    emergency: tuple[float, ...]
    """From where on it is one (`deciding.alarming`), by how loudly the rules ring (`alarm.py`); a certain sign needs no model."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A trained model."""

    version: str
    pack_name: str
    pack_version: str
    vocabulary: Vocabulary
    idf: Floats
    topics: Topics
    """The first features × categories: those that tell categories apart, and of their weights the weightiest (`sparse.py`).
    Inverse document frequencies are in the weights."""
    topic_bias: Floats
    tones: Floats
    """All features × (kinds, urgencies): how something is said takes every word."""
    tone_bias: Floats
    category: Head
    """Leaves, sorted so that those of one parent stand together."""
    kind: Head
    urgency: Head
    thresholds: Thresholds
    gazetteer: Gazetteer
    alarm: Alarm
    figures: dict[str, Any] = field(default_factory=dict)
    """Cross-validated: see `figures.py`."""


def softmax(scores: Floats, temperature: float) -> Floats:
    """Probabilities, each row by itself."""
    scaled = scores / np.float32(temperature)
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = grown / grown.sum(axis=1, keepdims=True)
    return result


class Tree:
    """The levels above a head's leaves: at each level which leaves share a node."""

    def __init__(self, leaves: tuple[str, ...]) -> None:
        depth = max((leaf.count(".") + 1 for leaf in leaves), default=1)
        self.leaves = leaves
        self.levels = [_Level(leaves, level) for level in range(1, depth + 1)]
        self.nodes = np.array([level.node_of for level in self.levels])
        """Which node each leaf belongs to: [levels, leaves]."""


class _Level:
    """The nodes of one level; a leaf that ends above it is its own node."""

    def __init__(self, leaves: tuple[str, ...], level: int) -> None:
        nodes = [".".join(leaf.split(".")[:level]) for leaf in leaves]
        self.names = list(dict.fromkeys(nodes))
        self.node_of = np.array([self.names.index(node) for node in nodes], dtype=np.intp)
        self._first = np.flatnonzero(np.diff(self.node_of, prepend=-1))

    def sums(self, probabilities: Floats) -> Floats:
        """The probability of each node: that of the leaves below it."""
        if len(self.names) == probabilities.shape[1]:
            return probabilities
        total: Floats = np.add.reduceat(probabilities, self._first, axis=1)
        return total


def in_tree_order(codes: set[str]) -> tuple[str, ...]:
    """Sorted part by part, so that the leaves of one parent stand together."""
    return tuple(sorted(codes, key=lambda code: code.split(".")))
