"""The n-grams a model knows, found by hash in one table look-up each, and texts as rows of their weights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from services.classifier.alphabet import Codes
from services.classifier.features import Grams, Indices, Tokens, grams, tokenize
from services.classifier.model import Text
from services.classifier.words import Finder

Floats: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = Any
"""A `scipy.sparse.csr_array`, which knows no types."""

MOST_FEATURES = 200_000
"""The n-grams kept, the most frequent ones."""
BATCH = 500
"""Texts read at once in training."""
_SPARSENESS = 8
"""The table has so many slots for each n-gram known, so that few collide."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams known, by the upper bits of their hashes. `prints` keeps the whole hash: a stranger is not mistaken for one."""

    prints: Codes
    slots: Indices
    shift: np.uint32

    @classmethod
    def of(cls, hashes: Codes) -> "Vocabulary":
        """Of these hashes, the most important first; one whose slot is taken is left out."""
        bits = max(10, int(len(hashes) * _SPARSENESS).bit_length())
        shift = np.uint32(32 - bits)
        _, first = np.unique(hashes >> shift, return_index=True)
        return cls._numbered(np.sort(hashes[first]), shift)

    @classmethod
    def _numbered(cls, prints: Codes, shift: np.uint32) -> "Vocabulary":
        slots = np.full(1 << (32 - int(shift)), -1, dtype=np.int32)
        slots[prints >> shift] = np.arange(len(prints), dtype=np.int32)
        return cls(prints, slots, shift)

    def reordered(self, order: NDArray[np.intp]) -> "Vocabulary":
        """The same n-grams with other numbers."""
        return self._numbered(self.prints[order], self.shift)

    def __len__(self) -> int:
        return len(self.prints)

    def find(self, found: Grams) -> "Hits":
        """The occurrences of known n-grams."""
        ids = self.slots[found.hashes >> self.shift]
        maybe = np.flatnonzero(ids >= 0)
        candidates = ids[maybe]
        sure = self.prints[candidates] == found.hashes[maybe]
        where = maybe[sure]
        return Hits(candidates[sure], found.first[where], found.size[where])


@dataclass(frozen=True, slots=True)
class Hits:
    """Occurrences of known n-grams: which feature, its first token, its length in tokens."""

    features: Indices
    first: Indices
    size: NDArray[np.int8]

    def among(self, features: int) -> "Hits":
        """Those of the first so many features."""
        kept = self.features < features
        return Hits(self.features[kept], self.first[kept], self.size[kept])


def rows(hits: Hits, tokens: Tokens, documents: int, features: int) -> Matrix:
    """A row for each document: 1 + log(count) of each feature in it, features ascending."""
    bits = max(1, features.bit_length())
    small = documents.bit_length() + bits < 32
    keys = np.sort((tokens.document[hits.first].astype(np.int32 if small else np.int64) << bits) | hits.features)
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)])
    own = keys[first]
    pointers = np.zeros(documents + 1, dtype=np.int32)
    np.cumsum(np.bincount(own >> bits, minlength=documents), out=pointers[1:])
    values = _LOG[np.minimum(np.diff(first, append=len(keys)), len(_LOG) - 1)]
    return csr_array((values, (own & ((1 << bits) - 1)).astype(np.int32), pointers), shape=(documents, features))


def lengths(counts: Matrix, idf: Floats) -> Floats:
    """The length of each row once its features are weighted."""
    values = (counts.data * idf[counts.indices]).astype(np.float64)
    squares = np.bincount(_documents(counts), weights=values * values, minlength=counts.shape[0])
    return np.sqrt(np.maximum(squares, 1e-18)).astype(np.float32)


def divided(counts: Matrix, by: Floats) -> Matrix:
    """Each row divided by its number."""
    return csr_array((counts.data / by[_documents(counts)], counts.indices, counts.indptr), shape=counts.shape)


def narrowed(counts: Matrix, features: int) -> Matrix:
    """The first so many columns."""
    kept = counts.indices < features
    pointers = np.concatenate(([0], np.cumsum(kept)))[counts.indptr]
    return csr_array((counts.data[kept], counts.indices[kept], pointers), shape=(counts.shape[0], features))


def weighted(counts: Matrix, idf: Floats) -> Matrix:
    """The rows times the features' weights, each of length one: TF-IDF. Serving has the weights within the model's."""
    rows_of_one = divided(counts, lengths(counts, idf))
    rows_of_one.data *= idf[rows_of_one.indices]
    return rows_of_one


def _documents(counts: Matrix) -> Any:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))


def learn_vocabulary(texts: Sequence[Text], described: Sequence[Text], names: Finder) -> tuple[Vocabulary, Matrix]:
    """What occurs in two texts or in one description, and a row for each text, then for each description.

    Everything is read twice, so that a long history takes no more memory than the n-grams known.
    """
    everything = [*texts, *described]
    seen, frequency = np.unique(_distinct(everything, names), return_counts=True)
    worth = (frequency >= 2) | np.isin(seen, _distinct(described, names))
    order = np.argsort(-frequency[worth], kind="stable")[:MOST_FEATURES]
    vocabulary = Vocabulary.of(seen[worth][order])
    parts = [count(tokenize(batch, names), len(batch), vocabulary)[0] for batch in _batches(everything)]
    return vocabulary, vstack(parts, format="csr")


def count(tokens: Tokens, documents: int, vocabulary: Vocabulary) -> tuple[Matrix, Hits]:
    """The rows of a batch, and the occurrences they count."""
    hits = vocabulary.find(grams(tokens))
    return rows(hits, tokens, documents, len(vocabulary)), hits


def _distinct(texts: Sequence[Text], names: Finder) -> Codes:
    """The hashes of every text's n-grams, each once a text."""
    parts = [np.zeros(0, dtype=np.uint32)]
    for batch in _batches(texts):
        tokens = tokenize(batch, names)
        found = grams(tokens)
        pairs = np.unique((tokens.document[found.first].astype(np.uint64) << np.uint64(32)) | found.hashes)
        parts.append((pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    return np.concatenate(parts)


def _batches(texts: Sequence[Text]) -> Iterable[Sequence[Text]]:
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


_LOG = (1 + np.log(np.maximum(np.arange(4096), 1))).astype(np.float32)
"""1 + log(n), by n."""
