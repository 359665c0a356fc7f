"""What departments and operators may do with a case, and what they get to see of it."""

import asyncio
from typing import Any

import pytest

from services.router.life import ALLOWED
from shared.events import cases
from shared.testing.wait import wait_until
from tests.support.desk import Bench, message

LUZHOU, YUNTING = "luzhou-housing", "yunting-housing"
ABSTAINED = {"category": None, "abstained": "uncertain"}
BODIES: dict[str, dict[str, Any]] = {
    "accept": {},
    "return": {"reason": "不归我们"},
    "resolve": {"reply": "已清扫"},
    "decide": {"decision": "answered", "reply": "好"},
}


async def in_state(bench: Bench, state: str) -> str:
    """The id of a case in this state."""
    if state in ("routed", "accepted", "resolved"):
        case = await bench.opened(message())
        for act in ("accept", "resolve")[: ("routed", "accepted", "resolved").index(state)]:
            assert (await bench.act(case["id"], act, BODIES[act], key=LUZHOU)).status_code == 200
        return str(case["id"])
    case = await bench.opened(message(), **ABSTAINED)
    if state != "triage":
        other = await bench.opened(message())
        body = {"decision": state} | DECISIONS[state](other)
        assert (await bench.act(case["id"], "decide", body)).status_code == 200
    return str(case["id"])


DECISIONS: dict[str, Any] = {
    "department": lambda _: {"department": YUNTING, "reason": "在云汀区"},
    "joined": lambda other: {"case": other["number"]},
    "answered": lambda _: {"reply": "请拨打12345"},
    "referred": lambda _: {"to": "信访局", "reason": "涉法涉诉"},
    "not_admitted": lambda _: {"reason": "没有诉求"},
}
FORBIDDEN = [
    (state, act)
    for state in ("triage", "routed", "accepted", "resolved", "joined", "answered", "referred", "not_admitted")
    for act in BODIES
    if act not in ALLOWED.get(state, ())
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("state", "act"), FORBIDDEN)
async def test_an_act_that_the_state_does_not_allow_names_the_state(shared_bench: Bench, state: str, act: str) -> None:
    case_id = await in_state(shared_bench, state)
    before = (await shared_bench.get(f"/cases/{case_id}")).json()
    answer = await shared_bench.act(case_id, act, BODIES[act])

    assert answer.status_code == 409
    assert (answer.json()["state"], answer.json()["allowed"]) == (state, list(ALLOWED.get(state, ())))
    assert state in answer.json()["detail"]
    assert (await shared_bench.get(f"/cases/{case_id}")).json() == before


@pytest.mark.parametrize("decision", DECISIONS)
async def test_every_decision_is_an_event_and_a_disposition(bench: Bench, decision: str) -> None:
    other = await bench.opened(message())
    case = await bench.opened(message(), **ABSTAINED)
    answer = await bench.act(case["id"], "decide", {"decision": decision} | DECISIONS[decision](other))
    after = (await bench.get(f"/cases/{case['id']}")).json()

    assert answer.status_code == 200
    assert after["disposition"] == decision
    (decided,) = [event for event in after["history"] if event["type"] == cases.DECIDED]
    assert decided["data"]["by"] == "operator"
    if decision == "joined":
        assert after["joined_to"] == other["id"]
    if decision == "department":
        (told,) = await bench.feed(YUNTING, 1)
        assert (told["event"]["type"], told["event"]["data"]["why"]["zh"]) == (cases.ROUTED, "在云汀区")


async def test_a_case_joins_no_missing_case_no_joined_one_and_not_itself(bench: Bench) -> None:
    joined = await in_state(bench, "joined")
    case = await bench.opened(message(), **ABSTAINED)
    for ref in (case["number"], joined, "QT20991231-999999"):
        answer = await bench.act(case["id"], "decide", {"decision": "joined", "case": ref})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/case")


@pytest.mark.parametrize("department", ["test-desk", "no-such", "../etc"])
async def test_a_real_case_goes_to_a_real_department(bench: Bench, department: str) -> None:
    case_id = await in_state(bench, "triage")
    answer = await bench.act(case_id, "decide", {"decision": "department", "department": department})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/department")


async def test_a_test_message_stays_at_the_test_desk(bench: Bench) -> None:
    case = await bench.opened(message(test=True))
    assert (await bench.act(case["id"], "return", BODIES["return"], key="test-desk")).status_code == 200
    answer = await bench.act(case["id"], "decide", {"decision": "department", "department": LUZHOU})
    assert answer.status_code == 422


async def test_the_same_key_again_gives_the_first_answer(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    headers = {"Idempotency-Key": "k-1"}
    first = await bench.act(case_id, "accept", {"external_ref": "A-1"}, key=LUZHOU, **headers)
    again = await bench.act(case_id, "accept", {"external_ref": "A-1"}, key=LUZHOU, **headers)
    other = await bench.act(case_id, "accept", {"external_ref": "A-2"}, key=LUZHOU, **headers)
    without = await bench.act(case_id, "accept", {"external_ref": "A-1"}, key=LUZHOU)

    assert (first.status_code, again.status_code, other.status_code, without.status_code) == (200, 200, 422, 409)
    assert "Idempotent-Replayed" not in first.headers
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert again.headers["ETag"] == first.headers["ETag"] == '"2"'
    assert len((await bench.get(f"/cases/{case_id}")).json()["history"]) == 3


async def test_an_acceptance_starts_the_clock_that_waits_for_it(bench: Bench) -> None:
    """A letter has sixty days from the acceptance, not from the day by which it had to be accepted at the latest."""
    case = await bench.opened(message(channel="letter"))
    accepted = await bench.act(case["id"], "accept", {}, key=LUZHOU)
    routed, told = await bench.feed(LUZHOU, 2)
    due = accepted.json()["due"]

    assert (case["due"]["clock"], routed["event"]["data"]["due"]) == ("petition", case["due"])
    assert due["resolve_by"] < case["due"]["resolve_by"]
    assert told["event"]["data"]["due"] == due
    after = (await bench.get(f"/cases/{case['id']}", LUZHOU)).json()
    assert (after["due"], after["legs"][0]["accepted_at"]) == (due, due["started_at"])


async def test_twenty_at_once_take_effect_once(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    same = [bench.act(case_id, "accept", {}, key=LUZHOU, **{"Idempotency-Key": "k-1"}) for _ in range(20)]
    assert {answer.status_code for answer in await asyncio.gather(*same)} == {200}
    assert len((await bench.get(f"/cases/{case_id}")).json()["history"]) == 3


async def test_a_version_that_is_gone_is_refused_with_the_current_one(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    read = await bench.get(f"/cases/{case_id}", LUZHOU)
    assert read.headers["ETag"] == '"1"'
    accepted = await bench.act(case_id, "accept", {}, key=LUZHOU, **{"If-Match": read.headers["ETag"]})
    late = await bench.act(case_id, "resolve", BODIES["resolve"], key=LUZHOU, **{"If-Match": '"1"'})
    weak = await bench.act(case_id, "resolve", BODIES["resolve"], key=LUZHOU, **{"If-Match": 'W/"2"'})
    good = await bench.act(case_id, "resolve", BODIES["resolve"], key=LUZHOU, **{"If-Match": '"1", "2"'})

    assert (accepted.status_code, late.status_code, weak.status_code, good.status_code) == (200, 412, 412, 200)
    assert (late.json()["current"], late.headers["ETag"]) == (2, '"2"')


async def test_a_department_sees_its_own_cases_and_no_other(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    hidden = await bench.get(f"/cases/{case_id}", YUNTING)
    missing = await bench.get("/cases/QT20991231-999999", YUNTING)
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["type"] == missing.json()["type"]
    assert (await bench.act(case_id, "accept", {}, key=YUNTING)).status_code == 404
    assert (await bench.get(f"/departments/{LUZHOU}/cases", YUNTING)).status_code == 403
    assert (await bench.get(f"/departments/{LUZHOU}/events", YUNTING)).status_code == 403


async def test_a_department_sees_a_case_up_to_the_end_of_its_turn(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    await bench.act(case_id, "return", BODIES["return"], key=LUZHOU)
    await bench.act(case_id, "decide", {"decision": "department", "department": YUNTING})
    await bench.act(case_id, "resolve", {"reply": "秘密的答复"}, key=YUNTING)

    former, latter = await bench.get(f"/cases/{case_id}", LUZHOU), await bench.get(f"/cases/{case_id}", YUNTING)
    assert [event["type"] for event in former.json()["history"]] == [cases.OPENED, cases.ROUTED, cases.RETURNED]
    assert (former.json()["state"], former.json()["reply"]) == ("triage", None)
    assert "秘密" not in former.text
    assert YUNTING not in former.text
    assert "ETag" not in former.headers
    assert latter.json()["reply"] == "秘密的答复"
    too_late = await bench.act(case_id, "accept", {}, key=LUZHOU)
    assert (too_late.status_code, too_late.json()["state"]) == (409, "returned")
    assert (await bench.get(f"/departments/{LUZHOU}/cases", LUZHOU)).json()["cases"] == []
    (line,) = (await bench.get(f"/departments/{YUNTING}/cases", YUNTING, state="resolved")).json()["cases"]
    assert line["id"] == case_id


async def test_what_a_citizen_keeps_to_themselves_reaches_no_department(bench: Bench) -> None:
    case = await bench.opened(message(confidential=True, citizen="p-77", identifiers=("phone:77",)))
    seen = [await bench.get(f"/cases/{case['id']}", LUZHOU), await bench.get(f"/departments/{LUZHOU}/cases", LUZHOU)]
    fed = await bench.feed(LUZHOU, 1)
    assert "p-77" not in str([answer.text for answer in seen]) + str(fed)
    assert "phone:77" not in str([answer.text for answer in seen]) + str(fed)
    assert case["message"]["citizen"] == "p-77"


async def test_the_feed_is_woken_by_what_happens(bench: Bench) -> None:
    case_id = await in_state(bench, "routed")
    await bench.feed(LUZHOU, 1)
    start = (await bench.get(f"/departments/{LUZHOU}/events", LUZHOU)).json()["cursor"]
    waiting = asyncio.create_task(bench.get(f"/departments/{LUZHOU}/events", LUZHOU, after=start, wait=30))
    await bench.act(case_id, "accept", {}, key=LUZHOU)
    async with asyncio.timeout(10):
        woken = (await waiting).json()

    assert [item["event"]["type"] for item in woken["items"]] == [cases.ACCEPTED]
    assert woken["items"][-1]["cursor"] == woken["cursor"]
    rest = (await bench.get(f"/departments/{LUZHOU}/events", LUZHOU, after=woken["cursor"])).json()
    assert rest == {"items": [], "cursor": woken["cursor"]}


async def test_lists_are_paged_newest_first(bench: Bench) -> None:
    made = [(await bench.opened(message()))["number"] for _ in range(5)]
    first = (await bench.get("/cases", department=LUZHOU, state="routed", limit=3)).json()
    second = (await bench.get("/cases", department=LUZHOU, state="routed", limit=3, cursor=first["cursor"])).json()
    assert [case["number"] for case in first["cases"] + second["cases"]] == sorted(made, reverse=True)
    assert second["cursor"] is None
    for filters, expected in (
        ({"disposition": "department"}, 5), ({"disposition": "department", "state": "routed"}, 5),
        ({"disposition": "closed", "state": "routed"}, 0), ({"department": LUZHOU, "disposition": "closed"}, 0),
    ):  # fmt: skip
        assert len((await bench.get("/cases", **filters)).json()["cases"]) == expected


async def test_a_case_of_many_acts_keeps_its_whole_history(bench: Bench) -> None:
    """Also what the document's tail has dropped."""
    case_id = await in_state(bench, "routed")
    for _ in range(20):
        await bench.act(case_id, "return", BODIES["return"])
        await bench.act(case_id, "decide", {"decision": "department", "department": LUZHOU})

    async def told() -> bool:
        return len(await bench.feed(LUZHOU, 1, limit=200)) == 41

    await wait_until(told)
    await bench.act(case_id, "accept", {}, key=LUZHOU)
    for key in ("operator", LUZHOU):
        history = (await bench.get(f"/cases/{case_id}", key)).json()["history"]
        assert [event["sequence"] for event in history] == list(range(1, 84))


async def test_who_waits_for_news_is_answered_when_the_service_stops(bench: Bench) -> None:
    waiting = asyncio.create_task(bench.get("/departments/city-tax/events", "city-tax", wait=50))
    feed = bench.app.state.router.feed
    await wait_until(lambda: "city-tax" in feed._waiting, what="the department waiting")
    for release in bench.app.state.on_stop:
        release()
    assert (await asyncio.wait_for(waiting, 5)).json()["items"] == []
