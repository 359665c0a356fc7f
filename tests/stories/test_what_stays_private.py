"""What nobody sees who need not."""

from tests.support.city import City

_PHONE = "19999012345"


async def test_a_telephone_number_never_leaves_intake(small_city: City) -> None:
    """The department reads a placeholder, and may ask for the number with a reason that is kept."""
    city = small_city
    text = f"禾坪县稻香村灌溉水渠堵塞，稻田没水，请水利部门疏通，我的电话是{_PHONE}"
    posted = await city.post(text, citizen={"name": "李某", "phone": _PHONE})
    seen = await city.settled(posted, status="department")
    case = await city.case(seen["case_number"])
    key = city.key(case["department"])
    contact = await city.intake.get(f"/v1/messages/{posted['id']}/contact", params={"reason": "需要上门核实"}, headers=key)

    assert _PHONE not in str(case)
    assert "[电话1]" in case["message"]["text"]
    assert contact.json()["citizen"]["phone"] == _PHONE
    assert _PHONE not in str(await city.track(posted["tracking_code"]))


async def test_an_anonymous_citizen_stays_anonymous(small_city: City) -> None:
    """Not even an operator is given the contact, and no pseudonym is made."""
    city = small_city
    posted = await city.post("举报盐场街道有人私设赌场", citizen={"phone": _PHONE, "anonymous": True})
    seen = await city.settled(posted)
    contact = await city.intake.get(
        f"/v1/messages/{posted['id']}/contact", params={"reason": "想联系"}, headers=city.key("operator")
    )

    assert contact.status_code == 403
    assert (await city.case(seen["case_number"]))["message"]["citizen"] is None


async def test_one_department_does_not_see_anothers_case(small_city: City) -> None:
    """Not its text, not even that it exists."""
    city = small_city
    posted = await city.post("禾坪县稻香村灌溉水渠堵塞，稻田没水，请水利部门疏通")
    seen = await city.settled(posted, status="department")
    stranger = await city.router.get(f"/v1/cases/{seen['case_number']}", headers=city.key("city-tax"))

    assert stranger.status_code == 404
