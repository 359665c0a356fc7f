"""Every test that takes `store` runs against each home."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.store import Collection, Index, Store, open_store

CASES = Collection(
    "cases",
    (
        Index("by_state", ("state", "region", "number")),
        Index("by_number", ("number",)),
    ),
)
"""What the suite stores. `number` may be int, str or missing."""


@pytest.fixture(params=["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path}/var/", "suite")
    else:
        base, _, query = request.getfixturevalue("mongo_url").partition("?")
        opened = open_store(f"{base.rstrip('/')}/t{uuid.uuid4().hex[:12]}?{query}", "suite")
    await opened.prepare([CASES])
    yield opened
    await opened.close()
