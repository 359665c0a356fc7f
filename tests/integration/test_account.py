"""The account of the whole system: what came in is somewhere, each figure counted where it lies."""

from typing import Any

import httpx

from shared.testing.wait import wait_until
from tests.support.city import City


async def account(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/v1/account")).json()
    return found


async def test_every_figure_of_the_account_is_counted_and_agrees(small_city: City) -> None:
    posted = [await small_city.post(text) for text in ("小区电梯坏了一周没人修", "路灯不亮", "嗯嗯")]
    for one in posted:
        await small_city.settled(one)

    async def settled() -> dict[str, dict[str, Any]] | None:
        found = {name: await account(getattr(small_city, name)) for name in ("intake", "classifier", "router")}
        router = found["router"]
        done = router["delivered"] >= router["routed"] and router["unpublished"] == 0 and found["intake"]["in_flight"] == 0
        return found if done and router["published"] and found["classifier"]["classified"] == router["stored"] == 3 else None

    found = await wait_until(settled, timeout=20)
    intake, classifier, router = found["intake"], found["classifier"], found["router"]
    assert (
        intake["accepted"]["real"] == intake["stored"] == intake["published"] == classifier["classified"] == router["stored"] == 3
    )
    assert router["in_triage"] + router["routed"] == 3
    assert router["abstained"] <= router["in_triage"] + router["routed"]
    assert intake["oldest"] == {"in_flight": None, "unpublished": None, "dead": None, "parked": None}
    assert (router["oldest"]["routed"] is None) == (router["routed"] == 0)
    assert (router["oldest"]["in_triage"] is None) == (router["in_triage"] == 0)
    assert (intake["dead"], router["dead"], classifier["dead"], router["parked"]) == (0, 0, 0, 0)
