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
"""The table has so many places for each n-gram known, so that few collide."""
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams known, in a table by the upper bits of their hashes: an entry is the whole hash, so that no stranger is taken
    for a known one, and behind it the feature's number. One look-up an n-gram is nearly all that serving does."""

    table: NDArray[np.uint64]
    size: int

    @classmethod
    def of(cls, hashes: Codes) -> "Vocabulary":
        """Of these hashes, the most important first; one whose place is taken is left out."""
        bits = max(10, int(len(hashes) * _SPARSENESS).bit_length())
        _, first = np.unique(hashes >> np.uint32(32 - bits), return_index=True)
        return cls._numbered(np.sort(hashes[first]), bits)

    @classmethod
    def _numbered(cls, hashes: Codes, bits: int) -> "Vocabulary":
        """An empty entry must match no hash that leads to it: 0 leads to the first one only, and that one has its opposite."""
        table = np.zeros(1 << bits, dtype=np.uint64)
        table[0] = _LOW << _HALF
        table[hashes >> np.uint32(32 - bits)] = (hashes.astype(np.uint64) << _HALF) | np.arange(len(hashes), dtype=np.uint64)
        return cls(table, len(hashes))

    def __len__(self) -> int:
        return self.size

    @property
    def _bits(self) -> int:
        return len(self.table).bit_length() - 1

    def reordered(self, order: NDArray[np.intp]) -> "Vocabulary":
        """The same n-grams with other numbers: the first is the one that had the number `order[0]`."""
        places = np.arange(len(self.table), dtype=np.uint64)
        taken = self.table[(self.table >> _HALF) >> np.uint64(32 - self._bits) == places]
        hashes = np.zeros(self.size, dtype=np.uint32)
        hashes[taken & _LOW] = taken >> _HALF
        return self._numbered(hashes[order], self._bits)

    def find(self, found: Grams) -> "Hits":
        """The occurrences of known n-grams."""
        entries = self.table[found.hashes >> np.uint32(32 - self._bits)]
        where = np.flatnonzero((entries >> _HALF) == found.hashes)
        return Hits((entries[where] & _LOW).astype(np.int32), found.first[where], found.size[where])


@dataclass(frozen=True, slots=True)
class Hits:
    """Occurrences of known n-grams: which feature, its first token, its length in tokens."""

    features: Indices
    first: Indices
    size: NDArray[np.int8]

    def among(self, features: int) -> "Hits":
        """Those of the first so many features."""
        kept = np.flatnonzero(self.features < features)
        return Hits(self.features[kept], self.first[kept], self.size[kept])


def rows(hits: Hits, tokens: Tokens, documents: int, features: int) -> Matrix:
    """A row for each document: 1 + log(count) of each feature in it, features ascending.

    What stands in the title counts twice: its few words say more than as many of the text.
    """
    bits = max(1, features.bit_length())
    small = documents.bit_length() + bits < 32
    documents_of = tokens.document if small else tokens.document.astype(np.int64)
    once = (documents_of[hits.first] << bits) | hits.features
    keys = np.sort(np.concatenate((once, once[tokens.is_opening[hits.first]])))
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


def between(counts: Matrix, first: int, end: int) -> Matrix:
    """The columns from the first up to the end."""
    kept = (counts.indices >= first) & (counts.indices < end)
    pointers = np.concatenate(([0], np.cumsum(kept)))[counts.indptr]
    return csr_array((counts.data[kept], counts.indices[kept] - np.int32(first), pointers), shape=(counts.shape[0], end - first))


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
