"""The n-grams a model knows, found by hash in one table look-up each, and texts as rows of their weights."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from services.classifier.alphabet import Codes
from services.classifier.features import Grams, Indices, Tokens

Floats: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = Any
"""A `scipy.sparse.csr_array`, which knows no types."""

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
        prints = np.sort(hashes[first])
        slots = np.full(1 << bits, -1, dtype=np.int32)
        slots[prints >> shift] = np.arange(len(prints), dtype=np.int32)
        return cls(prints, slots, shift)

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


def rows(hits: Hits, tokens: Tokens, documents: int, features: int) -> Matrix:
    """A row for each document: 1 + log(count) of each feature in it, features ascending."""
    bits = max(1, features.bit_length())
    keys = np.sort((tokens.document[hits.first].astype(np.int64) << bits) | hits.features)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(first, append=len(keys))
    own = keys[first]
    pointers = np.zeros(documents + 1, dtype=np.int32)
    np.cumsum(np.bincount(own >> bits, minlength=documents), out=pointers[1:])
    values = _LOG[np.minimum(counts, len(_LOG) - 1)]
    return csr_array((values, (own & ((1 << bits) - 1)).astype(np.int32), pointers), shape=(documents, features))


def weighted(counts: Matrix, idf: Floats) -> Matrix:
    """The rows times the features' weights, each of length one: TF-IDF."""
    values = counts.data * idf[counts.indices]
    document = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(document, weights=values * values, minlength=counts.shape[0]))
    values /= np.maximum(lengths, 1e-9).astype(np.float32)[document]
    return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


_LOG = (1 + np.log(np.maximum(np.arange(4096), 1))).astype(np.float32)
"""1 + log(n), by n."""
