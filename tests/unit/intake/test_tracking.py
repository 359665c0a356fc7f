"""Tracking codes: one wrong character and two swapped ones are caught, and people may type them as they like."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.tracking import ALPHABET, BadCode, new_code, normalise

MOMENT = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)


def fault(text: str) -> str | None:
    try:
        normalise(text)
    except BadCode as error:
        return error.fault
    return None


def test_the_form():
    code = new_code(MOMENT)
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert set(code) <= {*ALPHABET, "-"}
    assert len(ALPHABET) == len(set(ALPHABET)) == 23


def test_codes_differ():
    assert len({new_code(MOMENT) for _ in range(5000)}) == 5000


def test_codes_begin_with_their_time():
    times = [new_code(MOMENT + timedelta(milliseconds=10 * step))[:4] for step in range(100)]
    assert len(set(times)) == 100
    assert times == sorted(times)
    assert new_code(MOMENT)[:4] == new_code(MOMENT + timedelta(milliseconds=7))[:4]


def test_the_time_wraps_after_47_minutes():
    assert new_code(MOMENT)[:4] == new_code(MOMENT + timedelta(milliseconds=10) * 23**4)[:4]


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_code_is_its_own_normal_form(moment: datetime):
    code = new_code(moment)
    assert normalise(code) == code


def test_every_single_wrong_character_is_caught():
    code = new_code(MOMENT).replace("-", "")
    wrong = [code[:place] + char + code[place + 1 :] for place in range(16) for char in ALPHABET if char != code[place]]
    assert len(wrong) == 16 * 22
    assert {fault(text) for text in wrong} == {"check"}


def test_every_swap_of_two_characters_is_caught():
    for _ in range(50):
        code = [*new_code(MOMENT).replace("-", "")]
        for one in range(16):
            for other in range(one):
                swapped = code.copy()
                swapped[one], swapped[other] = code[other], code[one]
                assert fault("".join(swapped)) == (None if swapped == code else "check")


def full_width(code: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in code)


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        full_width,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: code.replace("-", "—"),
        lambda code: code.replace("-", "–"),
        lambda code: code.replace("-", " - "),
        lambda code: code.replace("-", "_"),
        lambda code: code.replace("-", "."),
        lambda code: "\u3000" + "\u200b".join(code) + "\n",
        " ".join,
        lambda code: full_width(code.lower()),
    ],
)
def test_a_code_may_be_typed_in_many_ways(typed):
    code = new_code(MOMENT)
    assert normalise(typed(code)) == code


@pytest.mark.parametrize(
    ("text", "expected", "says"),
    [
        ("", "length", "this has 0"),
        ("XXXX-XXXX-XXXX", "length", "this has 12"),
        ("X" * 17, "length", "this has 17"),
        ("X" * 100_000, "length", "this has 100000"),
        ("XXXX-XXXX-XXXX-XXXO", "character", "'O'"),
        ("XXXX-XXXX-XXXX-0XXX", "character", "'0'"),
        ("XXXX!XXXX", "character", "'!'"),
        ("我的编号", "character", "'我'"),
    ],
)
def test_what_is_wrong_is_said(text: str, expected: str, says: str):
    with pytest.raises(BadCode, match=says) as caught:
        normalise(text)
    assert caught.value.fault == expected
    assert isinstance(caught.value, ValueError)


@given(st.text(max_size=300))
def test_any_text_is_a_code_or_a_bad_code(text: str):
    assert fault(text) in {None, "length", "character", "check"}
