"""Documents made off the event loop from what requests bring, and inserted: for a service that takes in thousands a second.

A *recipe* travels once to the process that makes the documents; there it gives the function that makes them. What the caller is
told of them travels back, the documents need not: a store may write them where they are made (`sqlite_writing`). This module's
workshop works for every store: a process beside makes, and the store inserts.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeAlias

from shared.helper import Helper
from shared.store.port import Collection, Document, Duplicate, Store, Stored


class Made(NamedTuple):
    """What one request gives."""

    documents: Sequence[Document]
    told: Any
    """What the caller wants to know of it; pickles."""


class Inserted(NamedTuple):
    """What became of one request."""

    told: Any
    results: list[Stored | Duplicate]
    """Of its documents, in order."""


Maker: TypeAlias = Callable[[Any], Made]
"""Makes the documents of one request; without effects, so that it may be asked again."""


class Recipe(Protocol):
    """What a maker is made of; pickles."""

    def maker(self) -> Maker:
        """Called once, where the documents are made."""


class Workshop(Protocol):
    """Makes and inserts. Raises `Transient` (`StoreUnavailable`, `HelperLost`); what was asked may then be stored or not."""

    at_once: int
    """So many calls at a time keep it busy."""

    async def start(self) -> None:
        """Be ready for the first request. Raises `Transient` when that cannot be."""

    async def insert(self, requests: Sequence[Any]) -> list[Inserted]:
        """Make the documents of these requests and insert them, durably, each with its result."""

    async def close(self) -> None:
        """End what was started."""


class AnyStore:
    """The workshop in front of any store: documents are made in a process beside, or in a thread."""

    at_once = 16

    def __init__(self, store: Store, collection: Collection, recipe: Recipe, *, apart: bool) -> None:
        self._store, self._collection = store, collection
        self._helper = Helper(f"{__name__}:makes", recipe) if apart else None
        self._make = makes(recipe) if not apart else None

    async def start(self) -> None:
        """Start the process, if there is to be one."""
        if self._helper:
            await self._helper.start()

    async def insert(self, requests: Sequence[Any]) -> list[Inserted]:
        """Make, then insert what was made in one call."""
        made = await self._made(requests)
        documents = [document for one in made for document in one.documents]
        results = iter(await self._store.insert(self._collection, documents) if documents else ())
        return [Inserted(one.told, list(islice(results, len(one.documents)))) for one in made]

    async def close(self) -> None:
        """End the process."""
        if self._helper:
            await self._helper.close()

    async def _made(self, requests: Sequence[Any]) -> list[Made]:
        if self._helper:
            found: list[Made] = await self._helper.call(requests)
            return found
        assert self._make  # noqa: S101 - there is one or the other
        return await asyncio.to_thread(self._make, requests)


def makes(recipe: Recipe) -> Callable[[Sequence[Any]], list[Made]]:
    """The recipe's maker, for several requests."""
    maker = recipe.maker()
    return lambda requests: [maker(request) for request in requests]
