"""Examples: none near another, numbers that are nobody's, a fifth kept back."""

import random
from itertools import combinations

import pytest

from shared.pack.model import Example, Reserved
from shared.pack.near import near
from shared.pack.reserved import check_character, wrong_numbers
from shared.pack.split import split
from shared.pack.telling import alike
from shared.testing.people import phone, resident_id
from tests.support.timing import shortest

RESERVED = Reserved(mobile=("199990", "07700900"), resident_id=("9901",))


def jaccard(one: str, other: str) -> float:
    grams = [{text[start : start + 3] for start in range(max(len(text) - 2, 1))} for text in (one, other)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


def test_near_texts_are_exactly_those_that_share_so_much() -> None:
    dice = random.Random(1)
    texts: list[str] = []
    for _ in range(300):
        base = (
            dice.choice(texts)
            if texts and dice.random() < 0.6
            else "".join(dice.choices("东南西北路灯水电梯坏", k=dice.randint(1, 30)))
        )
        cut = dice.randrange(len(base) + 1)
        texts.append(
            base[:cut] + "".join(dice.choices("上下左右", k=dice.randint(0, 4))) + base[cut + dice.randint(0, 2) :] or "空"
        )
    expected = {}
    for number, text in enumerate(texts):
        earlier = [other for other in range(number) if jaccard(text, texts[other]) >= 0.6]
        if earlier:
            expected[number] = earlier[0]
    assert dict(near(texts)) == expected
    assert len(expected) > 50


def test_thousands_of_texts_take_a_fraction_of_comparing_every_pair() -> None:
    dice = random.Random(2)
    words = ["".join(dice.choices("的一是不了人我在有他这为之大来以个中上们", k=2)) for _ in range(400)]
    texts = ["".join(dice.choices(words, k=dice.randint(5, 60))) for _ in range(6000)]
    leaves = [f"a.{number % 400}" for number in range(6000)]
    every_pair = (6000 / 100) ** 2 * shortest(lambda: [jaccard(one, other) for one, other in combinations(texts[:100], 2)])
    assert shortest(lambda: (list(near(texts)), list(alike(texts, leaves, {}))), rounds=1) < every_pair / 5


@pytest.mark.parametrize(
    "text",
    [
        "电话19999012345",
        "电话199-9901-2345，再打 07700 900123",
        "身份证990102199003070011",
        "来电显示199990开头",
        "编号20261125000123456，2026-11-25 10:20 拨的12345",
        "拨打 110 和 400 热线",
    ],
)
def test_numbers_that_are_nobodys(text: str) -> None:
    assert list(wrong_numbers(text, RESERVED)) == []


def test_made_up_people_have_such_numbers() -> None:
    for number in range(50):
        assert not list(wrong_numbers(f"{phone(number)} {resident_id(number)}", RESERVED))


def test_the_check_character_is_that_of_the_standard() -> None:
    assert check_character("11010519491231002") == "X"  # the example of GB 11643


def test_a_fifth_is_kept_and_always_the_same() -> None:
    examples = [Example(text=f"第{number}件事", category="a", kind="help") for number in range(1000)]
    taught, kept = split(examples)
    assert len(taught) + len(kept) == 1000
    assert 160 < len(kept) < 240
    assert split(kept) == ([], kept)
    assert split(examples[:500])[1] == [one for one in kept if one in examples[:500]]
    relabelled = [one.model_copy(update={"region": "990100"}) for one in examples]
    assert [one.text for one in split(relabelled)[1]] == [one.text for one in kept]


def test_a_category_that_would_keep_none_keeps_one() -> None:
    examples = [Example(text=f"第{number}件事", category="a", kind="help") for number in range(50)]
    taught, kept = split(examples)
    rare = [one.model_copy(update={"category": "b"}) for one in taught[:6]]
    again, also = split([*taught[6:], *kept, *rare])
    assert [one.category for one in also] == [*("a" for _ in kept), "b"]
    assert len(again) == len(taught) - 1
    assert split(rare[:4]) == (rare[:4], [])
