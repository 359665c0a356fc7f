"""What a workshop means, in front of every store: documents are made off the event loop, and inserted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.errors import Transient
from shared.store import Duplicate, Store, Stored, Workshop, open_workshop
from tests.contract.store.conftest import CASES, Numbers, opened
from tests.contract.store.documents import case, load


class Place(NamedTuple):
    """A workshop and the store behind it."""

    workshop: Workshop
    store: Store


@pytest.fixture(params=["sqlite", "sqlite-here", pytest.param("mongo", marks=pytest.mark.mongo)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    store = opened(request.param, request, tmp_path)
    workshop = open_workshop(store, CASES, Numbers("made"), apart=request.param != "sqlite-here")
    await workshop.start()
    await store.prepare([CASES])
    yield Place(workshop, store)
    await workshop.close()
    await store.close()


async def test_each_request_is_told_what_was_made_of_it_and_what_became_of_that(place: Place) -> None:
    one, none, two = await place.workshop.insert([[1], [], [2, 3]])
    assert (none.told, none.results) == ([], [])
    assert (one.results, two.results) == ([Stored(1)], [Stored(1), Stored(1)])
    found = await place.store.find(CASES, ["n/1", "n/2", "n/3"])
    assert [found[f"n/{number}"].id for number in (1, 2, 3)] == [*one.told, *two.told]
    assert found["n/2"].body == {"state": "made", "number": 2}


async def test_what_is_taken_already_is_a_duplicate_and_hinders_no_other(place: Place) -> None:
    known = case(7, keys=("n/7",))
    await place.store.insert(CASES, [known])
    (mixed,), (again,) = await place.workshop.insert([[6, 7]]), await place.workshop.insert([[6]])
    assert mixed.results == [Stored(1), Duplicate(known.id, "n/7")]
    assert again.results == [Duplicate(mixed.told[0], "n/6")]


async def test_many_calls_at_once_and_other_writes_beside_them(place: Place) -> None:
    document = case(1000)
    await place.store.insert(CASES, [document])

    async def change() -> None:
        for _ in range(10):
            assert await place.store.replace(CASES, [await load(place.store, document)]) != []

    calls = [place.workshop.insert([[number], [number + 500]]) for number in range(100)]
    *inserted, _ = await asyncio.gather(*calls, change())
    assert all(one.results == [Stored(1)] for call in inserted for one in call)
    assert await place.store.count(CASES, "by_state", {"state": "made"}) == 200
    assert (await load(place.store, document)).version == 11


async def test_a_request_of_which_nothing_can_be_made_fails_and_the_next_one_works(place: Place) -> None:
    with pytest.raises(TypeError):
        await place.workshop.insert([[1], [1.5]])  # no such number can stand in an index
    (one,) = await place.workshop.insert([[1]])
    assert one.results == [Stored(1)]


@pytest.mark.parametrize("place", ["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)], indirect=True)
async def test_a_process_that_dies_is_trouble_that_passes(place: Place) -> None:
    with pytest.raises(Transient):
        await place.workshop.insert([["die"]])
    (one,) = await place.workshop.insert([[1]])
    assert one.results == [Stored(1)]
    await place.store.delete(CASES, one.told)
    assert await place.store.find(CASES, ["n/1"]) == {}


async def test_nothing_is_made_once_it_is_closed(place: Place) -> None:
    await place.workshop.close()
    await place.store.close()
    with pytest.raises(Transient):
        await place.workshop.insert([[1]])
