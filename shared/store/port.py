"""The store port: documents with unique keys, versions, declared indexes and an outbox. Nothing more.

A document is changed as a whole, and only if its version is still the one that was read; the events it gives rise to
are written in the same document (the *tail*), so that state and event cannot part. No transactions over documents, no
change streams, no ad-hoc queries. One contract suite (`tests/contract/store`) decides what this means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Body: TypeAlias = dict[str, Any]
"""JSON: None, bool, int, float, str, list, dict."""
Value: TypeAlias = str | int | None
"""What may stand in an index. A missing field counts as None; None sorts first."""
StoredEvent: TypeAlias = dict[str, Any]
"""An event in a tail: JSON with at least `sequence` (int, contiguous per document from 1)."""


@dataclass(frozen=True, slots=True)
class Index:
    """A compound index over top-level fields of the body, in this order; the id breaks ties. A value that is no
    `Value` raises TypeError."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents with its declared indexes."""

    name: str
    indexes: tuple[Index, ...] = ()

    def index(self, name: str) -> Index:
        """The index of this name; KeyError when it is not declared."""
        for index in self.indexes:
            if index.name == name:
                return index
        raise KeyError(f"{self.name} declares no index {name!r}")


@dataclass(slots=True)
class Document:
    """One document. Load it, change `body` (and `keys`, `tail` through the outbox), then `replace` it."""

    id: str
    body: Body
    keys: tuple[str, ...] = ()
    """Claims: each is unique in the collection. A replace may add or give up keys."""
    tail: list[StoredEvent] = field(default_factory=list)
    """Every event not yet published, and some that are."""
    sequence: int = 0
    """The last event's number."""
    published: int = 0
    """Events up to this number are on the log, as of when it was read. Set by `mark_published` alone: never assign it."""
    version: int = 0
    """Counted by the store; 1 after the insert."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The write is durable; the document's version is now `version`."""

    version: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Nothing was written: the id or a key belongs to the document `of` already."""

    of: str
    key: str | None
    """The key that collided; None when it was the id."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was written: the document has another version than was expected (None: there is no such document)."""

    version: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Documents in index order, and the cursor that continues after them (None: there are no more)."""

    documents: list[Document]
    cursor: str | None


class BadCursor(ValueError):
    """A cursor that this store did not give out for this index and prefix."""


class Store(Protocol):
    """A document store. Every write is durable when it returns (fsync or majority + journal).

    Every method raises `StoreUnavailable` when the store cannot be reached or written; a write may then have
    happened or not. Batches are answered per item, in order, and an item's refusal never hinders its neighbours.
    """

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Create what is missing (collections, indexes); safe to call from several processes at once. Until then every
        other method raises `StoreUnavailable`."""

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate]:
        """Store new documents. Two of the same batch that collide: the first is stored. A document that is already
        there with the same id *is* a `Duplicate`; the caller decides whether that is its own repeat."""

    async def replace(self, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate | Conflict]:
        """Write body, keys, tail and sequence of each where the stored version equals `document.version`.
        On `Stored` the passed document's `version` is *not* changed. `published` is never written."""

    async def get(self, collection: Collection, ids: Sequence[str]) -> dict[str, Document]:
        """Those that exist, by id."""

    async def find(self, collection: Collection, keys: Sequence[str]) -> dict[str, Document]:
        """Those that claim these keys, by key."""

    async def delete(self, collection: Collection, ids: Sequence[str]) -> None:
        """Remove documents and their keys; an absent one is no error."""

    async def page(
        self, collection: Collection, index: str, prefix: Mapping[str, Value], *,
        limit: int, after: str | None = None, descending: bool = False,
    ) -> Page:  # fmt: skip
        """Documents whose leading index fields equal `prefix` (which must name the index's first fields), in the
        order of the index. Raises `BadCursor`."""

    async def count(self, collection: Collection, index: str, prefix: Mapping[str, Value], *, limit: int | None = None) -> int:
        """How many documents match the prefix; stops at `limit`. Exact without one, and then off the request path."""

    async def ids(self, collection: Collection, index: str, prefix: Mapping[str, Value]) -> list[str]:
        """The ids of all documents that match the prefix, for audits (a bounded prefix is the caller's duty)."""

    async def pending(self, collection: Collection, *, limit: int) -> list[Document]:
        """Documents with events above `published`, oldest id first."""

    async def mark_published(self, collection: Collection, published: Mapping[str, int]) -> None:
        """Raise `published` of each id to this sequence; never lowers it, never touches `version`."""

    async def check(self) -> None:
        """Raise `StoreUnavailable` (with the reason) when the store cannot be *written* now."""

    async def close(self) -> None:
        """Finish what is being written, then release everything."""
