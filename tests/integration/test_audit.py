"""The books of intake and router, held against each other over the log; and what is missing, mended."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.intake import auditing
from services.intake.auditing import Auditor
from services.intake.worker import Reconciler
from services.router import store as cases
from shared import clock, ids
from shared.log import open_log
from shared.observability import metrics
from shared.settings import HomeSettings
from shared.testing.wait import wait_until
from tests.support.city import City
from tools import repair as tool
from tools.access import service_url
from tools.client import Client

SOON = timedelta(minutes=10)


class Audit:
    """An auditor beside a city's own, for which it is ten minutes later each time it looks."""

    def __init__(self, city: City) -> None:
        self.city, self.log = city, open_log(city.home.log)
        self.store = city.apps["intake"].state.intake.store
        reconciler = Reconciler(self.store, self.log, after=60)
        self.auditor = Auditor(self.store, self.log, reconciler.downstream_is_behind, after=0)
        self._now = clock.now()

    async def look(self) -> None:
        """Ask about everything that is not settled."""
        self._now += SOON
        await self.auditor.run_once(self._now)

    async def open(self) -> dict[str, Any]:
        """The minutes about which a question is open, and where it has come to."""
        page = await self.store.page(auditing.BOOKS, "by_state", {}, limit=500)
        return {one.id: one.body for one in page.documents if one.id != "latest"}

    async def missing(self) -> list[str]:
        """What intake says is missing."""
        answer = await self.city.intake.get("/v1/audit/missing", headers=self.city.key("operator"))
        found: list[str] = answer.json()["ids"]
        return found

    async def agrees(self) -> None:
        """Look, and wait until no question is open."""
        await wait_until(self._caught_up, timeout=20, what="the groups being at the end of their topics")
        await self.look()
        await wait_until(self._nothing_open, timeout=20, what="every minute agreeing")

    async def _caught_up(self) -> bool:
        reconciler = Reconciler(self.store, self.log, after=60)
        return not await reconciler.downstream_is_behind()

    async def _nothing_open(self) -> bool:
        return not await self.open()


async def _lose_case(city: City, message_id: str) -> None:
    """The router's store loses a case, as one that was restored from an older copy would."""
    desk = city.apps["router"].state.router.desk
    await desk._store.delete(cases.COLLECTION, [ids.case_id(message_id)])
    desk._relay._published.clear()  # a store is restored while its service stands still, and that remembers nothing


async def test_minutes_agree_when_every_message_has_its_case(small_city: City) -> None:
    for text in ("小区电梯坏了一周没人修", "路灯不亮"):
        await small_city.settled(await small_city.post(text))
    audit = Audit(small_city)
    await audit.agrees()
    assert await audit.missing() == []
    await audit.auditor.check()
    await audit.log.close()


async def test_a_lost_case_is_a_breach_with_its_id_and_a_repair_gives_it_a_case_again(small_city: City) -> None:
    posted = [await small_city.post(text) for text in ("小区电梯坏了一周没人修", "路灯不亮", "下水道堵了")]
    for one in posted:
        await small_city.settled(one)
    audit = Audit(small_city)
    await wait_until(audit._caught_up, timeout=20)
    lost = posted[1]["id"]
    await _lose_case(small_city, lost)
    await audit.look()

    async def found() -> bool:
        return await audit.missing() == [lost]

    await wait_until(found, timeout=20, what="the missing id")
    ready = await small_city.intake.get("/health/ready")

    async def is_degraded() -> bool:
        nonlocal ready
        ready = await small_city.intake.get("/health/ready")
        return bool(ready.json()["status"] == "degraded")

    await wait_until(is_degraded, timeout=20)
    assert "1 messages of 1 minutes have no case" in ready.json()["checks"]["account"]
    assert ready.status_code == 200
    assert metrics.MISSING_CASES._value.get() == 1

    answer = await small_city.intake.post("/v1/messages:republish", json={"ids": [lost]}, headers=small_city.key("operator"))
    assert answer.json() == {"republished": 1, "unknown": [], "not_now": []}
    await small_city.settled(posted[1])
    await audit.agrees()
    assert await audit.missing() == []
    await audit.log.close()


async def test_the_command_mends_what_is_missing_and_says_so(small_city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = HomeSettings(data=small_city.home.data)
    services = {service_url(settings, name): app for name, app in small_city.apps.items()}
    monkeypatch.setattr(tool, "Client", lambda url, key: Client(url, key, transport=httpx.ASGITransport(app=services[url])))
    secret = small_city.key("operator")["Authorization"].removeprefix("Bearer ")
    assert "No message" in (await tool.repair(settings, secret, wait=1)).words()

    posted = await small_city.post("路灯不亮")
    await small_city.settled(posted)
    audit = Audit(small_city)
    await wait_until(audit._caught_up, timeout=20)
    await _lose_case(small_city, posted["id"])
    await audit.look()
    await wait_until(audit.missing, timeout=20)
    done = await tool.repair(settings, secret, wait=20)
    assert done.words() == "1 without a case, 1 published again, 1 have one now"
    await audit.log.close()


async def test_only_an_operator_publishes_again_and_what_is_unknown_is_named(small_city: City) -> None:
    stranger = ids.new_id()
    body = {"ids": [stranger]}
    refused = await small_city.intake.post("/v1/messages:republish", json=body, headers=small_city.key("hotline"))
    assert refused.status_code == 403
    answer = await small_city.intake.post("/v1/messages:republish", json=body, headers=small_city.key("operator"))
    assert answer.json()["unknown"] == [stranger]
    empty = await small_city.intake.post("/v1/messages:republish", json={"ids": []}, headers=small_city.key("operator"))
    assert empty.status_code == 422


async def test_a_message_that_has_a_case_is_the_same_after_it_is_published_again(small_city: City) -> None:
    posted = await small_city.post("路灯不亮")
    before = await small_city.settled(posted)
    answer = await small_city.intake.post(
        "/v1/messages:republish", json={"ids": [posted["id"]]}, headers=small_city.key("operator")
    )
    assert answer.json()["republished"] == 1
    audit = Audit(small_city)
    await audit.agrees()
    await audit.log.close()
    assert await small_city.track(posted["tracking_code"]) == before


async def test_a_case_of_no_message_is_a_breach_too(small_city: City) -> None:
    posted = await small_city.post("路灯不亮")
    await small_city.settled(posted)
    audit = Audit(small_city)
    await wait_until(audit._caught_up, timeout=20)
    stored = (await audit.store.get(auditing.store.COLLECTION, [posted["id"]]))[posted["id"]]
    await audit.store.delete(auditing.store.COLLECTION, [posted["id"]])
    await audit.auditor._ask([stored.body["minute"]], int(clock.now().timestamp()))

    async def surplus() -> bool:
        return any(book["state"] == auditing.BREACH and book["surplus"] == 1 for book in (await audit.open()).values())

    await wait_until(surplus, timeout=20)
    await audit.log.close()
