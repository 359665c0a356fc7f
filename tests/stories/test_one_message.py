"""One message's life, as the people in it see it. Start reading here."""

from shared.pack.load import load_pack
from shared.testing.wait import wait_until
from tests.support.city import PACK, City


async def test_a_message_is_routed_to_the_department_that_is_responsible(city: City) -> None:
    """The main job: what a citizen says reaches the department of the right function in the right district."""
    posted = await city.post(
        "鹭洲区桂花苑小区物业收了物业费却不打扫卫生，垃圾堆在楼道里好几天没人管，物业服务太差了", title="物业服务太差"
    )
    seen = await city.settled(posted)
    case = await city.case(seen["case_number"])

    assert seen["status"] == "department"
    assert case["department"] == "luzhou-housing"
    assert case["why"]["zh"]
    assert seen["history"][0]["zh"] == "已收到"


async def test_an_opinion_without_place_event_or_service_ends_at_a_desk_with_an_owner(city: City) -> None:
    """Nobody is told that their opinion is invalid."""
    posted = await city.post("希望政府多听听我们老年人的想法")
    seen = await city.settled(posted)
    case = await city.case(seen["case_number"])
    desk = load_pack(PACK).department_by_code[case["department"]].desk

    assert (seen["status"], case["department"]) == ("department", "city-hotline")
    assert case["why"]["zh"]
    assert desk.owner.zh


async def test_what_nobody_could_place_waits_with_its_reason(city: City) -> None:
    """Not even a message that says nothing goes nowhere: an operator sees it, and why it came to him."""
    posted = await city.post("……？？")
    seen = await city.settled(posted, status="triage")
    listed = (await city.router.get("/v1/triage", headers=city.key("operator"))).json()["cases"]
    (waiting,) = [case for case in listed if case["number"] == seen["case_number"]]

    assert waiting["triage"]["reason"] == "no_words"


async def test_saying_it_twice_makes_one_case(city: City) -> None:
    """A channel that repeats its POST after a broken line gets the first answer again."""
    first = await city.post("云汀大道路灯坏了三盏，晚上漆黑一片", external_id="twice-1")
    again = await city.post("云汀大道路灯坏了三盏，晚上漆黑一片", external_id="twice-1")
    assert again == first
    await city.settled(first)
    listed = await city.router.get("/v1/cases", headers=city.key("operator"))
    assert [case["message_id"] for case in listed.json()["cases"]].count(first["id"]) == 1


async def test_a_department_accepts_and_resolves_and_the_citizen_sees_it(city: City) -> None:
    """The whole way to the end, at one tracking code."""
    posted = await city.post("禾坪县稻香村灌溉水渠堵塞，稻田没水，请水利部门疏通")
    seen = await city.settled(posted, status="department")
    number, department = seen["case_number"], (await city.case(seen["case_number"]))["department"]

    accepted = await city.act(number, "accept", {"external_ref": "SL-77"}, key=department)
    resolved = await city.act(number, "resolve", {"reply": "水渠已疏通。"}, key=department)
    seen = await city.settled(posted, status="closed")

    assert (accepted.status_code, resolved.status_code) == (200, 200)
    assert [step["zh"].split("：")[0] for step in seen["history"]] == [
        "已收到",
        "已生成工单",
        "已派单",
        "部门已签收",
        "部门已办结",
    ]
    assert (await city.case(number))["external_ref"] == "SL-77"


async def test_what_a_department_returns_an_operator_decides(city: City) -> None:
    """A case given back with a reason waits in triage, and goes to the department an operator names."""
    posted = await city.post("苇湾区港口路夜间施工噪音扰民，凌晨两点还在打桩，根本没法睡觉")
    seen = await city.settled(posted, status="department")
    number, first = seen["case_number"], (await city.case(seen["case_number"]))["department"]

    returned = await city.act(number, "return", {"reason": "不属于本单位职责"}, key=first)
    triage = await city.router.get("/v1/triage", headers=city.key("operator"))
    decided = await city.act(number, "decide", {"decision": "department", "department": "city-environment"}, key="operator")

    assert returned.status_code == 200
    assert number in [case["number"] for case in triage.json()["cases"]]
    assert decided.status_code == 200
    assert (await city.case(number))["department"] == "city-environment"


async def test_an_amended_message_stays_one_message(city: City) -> None:
    """A higher revision of the same external id amends; it opens no second case."""
    first = await city.post("人民广场的公厕没水", external_id="amend-1")
    seen = await city.settled(first)
    amended = await city.post("人民广场的公厕没水，也没有灯", external_id="amend-1", revision=2)
    assert amended["id"] == first["id"]

    async def is_amended() -> bool:
        return "也没有灯" in (await city.case(seen["case_number"]))["message"]["text"]

    await wait_until(is_amended, timeout=30)


async def test_a_test_key_reaches_no_real_desk_and_no_figure(city: City) -> None:
    """A channel programmer can try everything without troubling anybody."""
    posted = await city.post("测试：路灯坏了", key="test-channel")
    seen = await city.settled(posted)
    account = (await city.intake.get("/v1/account")).json()

    assert (await city.case(seen["case_number"]))["department"] == "test-desk"
    assert account["accepted"]["real"] == 0
