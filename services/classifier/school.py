"""What there is to learn from: the examples that can be used, what the pack says about its categories, and both as rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.classifier.alarm import Alarm, read_alarm
from services.classifier.alphabet import normalise
from services.classifier.features import Tokens, tokenize
from services.classifier.knowledge import descriptions, leaves
from services.classifier.learned import Tree, in_tree_order
from services.classifier.learning import FOLDS, Lessons
from services.classifier.model import Text
from services.classifier.regions import Gazetteer, gazetteer
from services.classifier.vocabulary import Matrix, Vocabulary, learn_vocabulary
from shared.errors import Permanent
from shared.events.words import KINDS, URGENCIES
from shared.pack.model import Example, Pack


class TooFewExamples(Permanent):
    """Nothing can be learned or measured; the text says what is missing."""

    slug = "too-few-examples"


@dataclass(frozen=True)
class School:
    """Everything the heads learn from."""

    examples: tuple[Example, ...]
    described: tuple[str, ...]
    """The categories of the descriptions."""
    tree: Tree
    vocabulary: Vocabulary
    counts: Matrix
    """Rows of the examples, then of the descriptions."""
    gazetteer: Gazetteer
    alarm: Alarm

    def categories(self) -> Lessons:
        """The lessons about categories: examples and descriptions."""
        names = self.tree.leaves
        codes = [*(example.category for example in self.examples), *self.described]
        labels = np.array([names.index(code) for code in codes], dtype=np.intp)
        parents = tuple(level.node_of for level in self.tree.levels[:-1])
        return Lessons(labels, names, parents, len(self.described))

    def kinds(self) -> Lessons:
        """The lessons about kinds."""
        return self._tones([example.kind for example in self.examples], KINDS)

    def urgencies(self) -> Lessons:
        """The lessons about urgencies."""
        return self._tones([example.urgency for example in self.examples], URGENCIES)

    def tokens(self) -> Tokens:
        """Of all examples, in order."""
        return tokenize([Text(example.title, example.text) for example in self.examples], self.gazetteer.finder())

    def _tones(self, given: Sequence[str], values: Sequence[str]) -> Lessons:
        """Of the examples alone, with those of the values that occur among them."""
        names = tuple(value for value in values if value in given)
        return Lessons(np.array([names.index(value) for value in given], dtype=np.intp), names)


def enrol(pack: Pack, examples: Sequence[Example]) -> School:
    """Gather what there is; examples of a category that is retired or has others below it are left out, and repeats are."""
    tree = Tree(in_tree_order({category.code for category in leaves(pack)}))
    known = set(tree.leaves)
    taught = _without_repeats([example for example in examples if example.category in known])
    if len(taught) < FOLDS:
        raise TooFewExamples(f"{len(taught)} of {len(examples)} examples name a category of the lowest level; {FOLDS} are needed")
    texts = [Text(example.title, example.text) for example in taught]
    described, descriptive = zip(*descriptions(pack), strict=True)
    regions = gazetteer(pack)
    vocabulary, counts = learn_vocabulary(texts, descriptive, regions.finder())
    return School(taught, described, tree, vocabulary, counts, regions, read_alarm())


def _without_repeats(examples: Sequence[Example]) -> tuple[Example, ...]:
    """The first of each text: said twice it would stand on both sides of the cross-validation."""
    return tuple({normalise(f"{example.title}\n{example.text}"): example for example in reversed(examples)}.values())[::-1]
