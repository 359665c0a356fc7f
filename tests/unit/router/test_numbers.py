"""Case numbers: unique over routers and restarts, dated by the city's day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.router import store
from services.router.model import minute, number
from services.router.store import Numbers
from shared.pack.load import load_pack
from shared.store import Store, open_store
from tests.support.desk import PACK

MORNING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:////{tmp_path}/", "router")
    await opened.prepare([store.COUNTERS])
    yield opened
    await opened.close()


def numbers(documents: Store) -> Numbers:
    return Numbers(documents, load_pack(PACK).city.model_copy(update={"case_prefix": "QT"}))


async def test_they_count_from_one(documents: Store) -> None:
    taken = await numbers(documents).take(3, MORNING)
    assert [each.text for each in taken] == ["QT20261120-000001", "QT20261120-000002", "QT20261120-000003"]


async def test_the_day_is_the_citys(documents: Store) -> None:
    (taken,) = await numbers(documents).take(1, LATE)
    assert taken.text == "QT20261121-000001"


async def test_several_routers_never_collide(documents: Store) -> None:
    async def busy() -> list[str]:
        router = numbers(documents)
        return [each.text for count in (1, 150, 7) for each in await router.take(count, MORNING)]

    texts = [text for part in await asyncio.gather(*(busy() for _ in range(4))) for text in part]
    assert len(set(texts)) == len(texts) == 4 * 158


async def test_a_restart_goes_on_behind(documents: Store) -> None:
    (before,) = await numbers(documents).take(1, MORNING)
    (after,) = await numbers(documents).take(1, MORNING)
    assert after.serial > before.serial


async def test_a_large_batch_crosses_blocks(documents: Store) -> None:
    taken = await numbers(documents).take(5_000, MORNING)
    assert len({each.text for each in taken}) == 5_000
    assert [each.serial for each in taken] == sorted(each.serial for each in taken)


def test_serials_sort_over_days_and_past_a_million() -> None:
    days = [number("QT", "20261120", 999_999), number("QT", "20261120", 1_000_000), number("QT", "20261121", 1)]
    assert [each.serial for each in days] == sorted(each.serial for each in days)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-20T01:12:33.000Z", "2026-11-20T01:12"),
        ("2026-11-20T09:12:33+08:00", "2026-11-20T01:12"),
        ("yesterday", "yesterday"),
    ],
)
def test_the_audits_minute_is_in_utc(given: str, expected: str) -> None:
    assert minute(given) == expected
