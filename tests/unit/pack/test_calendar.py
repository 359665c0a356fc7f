"""Which days are worked."""

from datetime import date

import pytest

from shared.pack.calendar import Calendar

WRITTEN = Calendar.model_validate(
    {
        "years": {
            "2026": {
                "holidays": [{"name": {"zh": "国庆节"}, "from": "2026-10-01", "to": "2026-10-07"}],
                "workdays": ["2026-10-10"],
            },
            "2027": {"own": True, "holidays": [{"name": {"zh": "元旦"}, "from": "2027-01-01", "to": "2027-01-01"}]},
        }
    }
)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-09-30", True),
        ("2026-10-01", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),  # a Saturday in exchange
        ("2026-10-11", False),
        ("2027-01-01", False),
        ("2030-01-01", True),  # nobody has written that year down
    ],
)
def test_a_calendar_written_out(day: str, *, worked: bool) -> None:
    assert WRITTEN.is_workday(date.fromisoformat(day)) is worked


@pytest.mark.parametrize(
    ("day", "worked"), [("2026-12-25", False), ("2026-12-28", False), ("2026-12-29", True), ("2026-08-31", False)]
)
def test_a_country_that_the_library_knows(day: str, *, worked: bool) -> None:
    calendar = Calendar(source="holidays", country="GB", subdivision="ENG")
    assert calendar.knows_its_country()
    assert calendar.is_workday(date.fromisoformat(day)) is worked


def test_what_is_written_out_counts_more_than_the_library() -> None:
    calendar = Calendar.model_validate({"source": "holidays", "country": "GB", "years": {"2026": {"workdays": ["2026-12-25"]}}})
    assert calendar.is_workday(date(2026, 12, 25))


@pytest.mark.parametrize(("country", "subdivision"), [("QQ", None), ("GB", "XYZ")])
def test_a_country_that_it_does_not_know(country: str, subdivision: str | None) -> None:
    assert not Calendar(source="holidays", country=country, subdivision=subdivision).knows_its_country()
