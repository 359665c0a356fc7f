"""Every test that takes `store` runs against each home."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shared.ids import new_id
from shared.store import Collection, Document, Index, Store, open_store, open_workshop
from shared.store.workshop import Made

CASES = Collection(
    "cases",
    (
        Index("by_state", ("state", "region", "number")),
        Index("by_number", ("number",)),
    ),
)
"""What the suite stores. `number` may be int, str or missing."""


class Numbers(NamedTuple):
    """Makes a case of each number of a request; "die" ends the process that makes it."""

    state: str

    def maker(self) -> Callable[[Sequence[Any]], Made]:
        """The maker."""
        return self._cases

    def _cases(self, numbers: Sequence[Any]) -> Made:
        if "die" in numbers:
            os._exit(1)
        documents = [Document(new_id(), {"state": self.state, "number": number}, (f"n/{number}",)) for number in numbers]
        return Made(documents, [document.id for document in documents])


def opened(home: str, request: pytest.FixtureRequest, folder: Path) -> Store:
    """A store of this home, new and not prepared."""
    if home != "mongo":
        return open_store(f"sqlite:///{folder}/var/", "suite")
    base, _, query = request.getfixturevalue("mongo_url").partition("?")
    return open_store(f"{base.rstrip('/')}/t{uuid.uuid4().hex[:12]}?{query}", "suite")


@pytest.fixture(params=["sqlite", "sqlite-apart", pytest.param("mongo", marks=pytest.mark.mongo)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Apart: a process of its own writes."""
    store = opened(request.param, request, tmp_path)
    if request.param == "sqlite-apart":
        open_workshop(store, CASES, Numbers("open"))
    await store.prepare([CASES])
    yield store
    await store.close()
