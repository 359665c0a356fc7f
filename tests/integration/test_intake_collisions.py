"""A message whose place another document has: not a repeat, yet it cannot be stored as it was made."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.intake import reading, store
from services.intake.answers import Taken
from services.intake.duplicates import Repeats
from services.intake.links import LINKS
from services.intake.making import Recipe
from services.intake.preparing import Draft, Preparer
from shared.http.auth import Key
from shared.log import open_log
from shared.pack.load import load_pack
from shared.store import Store, open_store
from shared.store.port import Document, Duplicate
from shared.store.relay import Relay
from tests.benchmarks.bodies import PACK

_BOTH = {"phone": "19999012345", "email": "someone@example.com"}


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:////{tmp_path}/", "intake")
    await opened.prepare([store.COLLECTION, LINKS])
    yield opened
    await opened.close()


@pytest.fixture
def preparer(tmp_path: Path) -> Preparer:
    return Recipe(load_pack(PACK), tmp_path / "secrets.json", 60).preparer()


def _draft(preparer: Preparer, **given: Any) -> Draft:
    item, key = {"text": "路灯不亮", "citizen": _BOTH} | given, Key("hotline", "channel", "", ("hotline",))
    draft = reading.draft(item, key, preparer.pack, idempotency_key=None, traceparent=None)
    assert isinstance(draft, Draft)
    return draft


@pytest.mark.parametrize(
    "colliding",
    [
        pytest.param(lambda other: Duplicate(other.id, next(key for key in other.keys if key.startswith("t:"))), id="same code"),
        pytest.param(lambda other: Duplicate("01hzzzzzzzzzzzzzzzzzzzzzzz", "x:hotline/1"), id="the other went away"),
    ],
)
async def test_it_is_made_again_and_stored_with_its_links(
    colliding: Any, documents: Store, preparer: Preparer, tmp_path: Path
) -> None:
    other = preparer.prepare(_draft(preparer, citizen=None))
    assert isinstance(other, Document)
    await documents.insert(store.COLLECTION, [other])
    log = open_log(f"sqlite:////{tmp_path}/log.db")
    relay = Relay(documents, log, store.COLLECTION, store.to_records)

    settled = await Repeats(documents, relay, preparer).settle(_draft(preparer, external_id="1"), colliding(other))

    assert isinstance(settled, Taken)
    assert not settled.repeated
    stored = (await documents.get(store.COLLECTION, [settled.receipt.id]))[settled.receipt.id]
    assert stored.id != other.id
    (link,) = (await documents.page(LINKS, "by_citizen", {"citizen": stored.body["message"]["citizen"]}, limit=9)).documents
    assert link.body["message"] == stored.id
    await log.close()
