"""What only the MongoDB home has to promise: a server that goes away and comes back."""

import pytest

from shared.errors import StoreUnavailable
from shared.ids import new_id
from shared.store import Document, Duplicate, Stored, open_store
from tests.contract.store.conftest import CASES
from tests.support.fixtures_mongo import MongoProcess

pytestmark = pytest.mark.mongo


async def test_a_server_that_is_away_is_unavailability_and_passes(own_mongo: MongoProcess) -> None:
    store = open_store(own_mongo.url + "&serverSelectionTimeoutMS=300", "suite")
    await store.prepare([CASES])
    document = Document(new_id(), {"number": 1}, ("k",))
    assert await store.insert(CASES, [document]) == [Stored(1)]
    own_mongo.stop()
    for call in (
        lambda: store.insert(CASES, [Document(new_id(), {})]),
        lambda: store.replace(CASES, [document]),
        lambda: store.get(CASES, [document.id]),
        lambda: store.find(CASES, ["k"]),
        lambda: store.count(CASES, "by_number", {}),
        lambda: store.page(CASES, "by_number", {}, limit=1),
        lambda: store.pending(CASES, limit=1),
        store.check,
    ):
        with pytest.raises(StoreUnavailable):
            await call()
    own_mongo.start()
    await store.check()
    assert await store.insert(CASES, [document]) == [Duplicate(document.id, None)]
    await store.close()
