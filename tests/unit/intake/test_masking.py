"""What is masked, and, which matters as much, what stays as it is."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.masking import Masked, Masker, normal
from shared.testing import people
from tests.support.timing import shortest

MASKER = Masker(reserved_mobile=["199990", "07700900"])
PHONE, EMAIL, PLATE, CARD = people.phone(7), people.email(7), people.plate(12345), people.bank_card(7)
RESIDENT = people.resident_id(1)


def mask(text: str, *own: tuple, language: str = "zh") -> str:
    return MASKER.mask({"text": text}, own, language=language).parts["text"]


def values(text: str) -> list[tuple[str, str]]:
    return [(found.kind, found.value) for found in MASKER.mask({"text": text}).found]


def spaced(text: str, *sizes: int, by: str = " ") -> str:
    ends = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
    return by.join(text[start:end] for start, end in zip(ends, [*ends[1:], None], strict=True) if text[start:end])


PHONES = {
    f"电话{PHONE}。": "电话[电话1]。",
    f"+86{PHONE}": "[电话1]",
    f"+86 {PHONE}": "[电话1]",
    f"0086-{PHONE}": "[电话1]",
    f"86{PHONE}": "[电话1]",
    f"找{spaced(PHONE, 3, 4)}": "找[电话1]",
    spaced(PHONE, 3, 4, by="-"): "[电话1]",
    spaced(PHONE, 3, 3): "[电话1]",
    spaced(PHONE, 5): "[电话1]",
    spaced(PHONE, 4, 3): "[电话1]",
    " ".join(PHONE): "[电话1]",
    "１９９９９０００００７": "[电话1]",
    PHONE[:3] + "\u200b" + PHONE[3:]: "[电话1]",
    PHONE[:3] + "\u2060\u200d" + PHONE[3:] + "\u200b": "[电话1]\u200b",
    PHONE[:3] + "\u2014" + PHONE[3:7] + "\u2013" + PHONE[7:]: "[电话1]",
    f"1.{PHONE}": "1.[电话1]",
    f"{PHONE},{people.phone(8)}、{PHONE}": "[电话1],[电话2]、[电话1]",
    f"{PHONE} {people.phone(8)}": "[电话1] [电话2]",
    f"{PHONE}元旦前打": "[电话1]元旦前打",
    "一三八零零一三八零零零": "[电话1]",
    "幺九九九九〇〇〇〇〇七号": "[电话1]号",
    "0571-28886666": "[电话1]",
    "(0571)28886666": "[电话1]",
    "（0571）2888 6666转801": "[电话1]转801",
    "010 62223333": "[电话1]",
    "02162223333": "[电话1]",
    "+86-571-28886666": "[电话1]",
    "座机：28886666": "座机：[电话1]",
    "Tel: 2888 6666": "Tel: [电话1]",
    "+44 20 7946 0958": "[电话1]",
    "07700900123": "[电话1]",
}
OTHERS = {
    f"邮箱{EMAIL}，": "邮箱[邮箱1]，",
    "First.Last+tag@mail.example.co.uk.": "[邮箱1].",
    "ａ１＠example．com": "[邮箱1]",
    f"{EMAIL}{PHONE}": "[邮箱1][电话1]",
    f"{PHONE}@example.com": "[邮箱1]",
    f"身份证{RESIDENT}": "身份证[身份证1]",
    people.resident_id(9).lower(): "[身份证1]",
    spaced(RESIDENT, 6, 8): "[身份证1]",
    spaced(RESIDENT, 6, 4, 4, by="-"): "[身份证1]",
    "990102900307123": "[身份证1]",
    "身份证号：990102199003071230": "身份证号：[身份证1]",
    CARD: "[银行卡1]",
    spaced(CARD, 4, 4, 4, 4): "[银行卡1]",
    spaced(people.bank_card(3, length=16), 4, 4, 4, by="-") + f" {PHONE}": "[银行卡1] [电话1]",
    spaced(people.bank_card(3, length=16), 4, 4, 4) + " 2026年": "[银行卡1] 2026年",
    spaced(CARD, 6): "[银行卡1]",
    f"车牌{PLATE}": "车牌[车牌1]",
    "浙I·12345占道": "[车牌1]占道",
    "浙I 1234A": "[车牌1]",
    "浙i12a45": "[车牌1]",
    people.plate(12345, new_energy=True): "[车牌1]",
    "浙I12345D": "[车牌1]",
    "浙I1234学": "[车牌1]",
    "微信号：wx_someone": "微信号：[账号1]",
    "微信：someone-1": "微信：[账号1]",
    "QQ:10001234": "QQ:[账号1]",
    "加QQ10001234": "加QQ[账号1]",
    f"微信号：{PHONE}": "微信号：[电话1]",
    "QQ：10001234@example.com": "QQ：[邮箱1]",
    "WeChat ID: someone_1": "WeChat ID: [账号1]",
}


@pytest.mark.parametrize(("text", "expected"), [*PHONES.items(), *OTHERS.items()])
def test_personal_data_is_masked(text: str, expected: str):
    assert mask(text) == expected
    assert mask(expected) == expected


UNTOUCHED = [
    "",
    "12345热线打了三次",
    "拨打12345、110、96110，客服400-820-8820",
    "G320国道K1023+500处",
    "S2026011900123456789012",
    "工单12345-2026-000123",
    "编号QT-2026-1120-0007，文号〔2026〕12号",
    "订单号20261120112500123456，订单202611201125001234，订单号2026112011250012",
    "3-2-1501，5幢2单元301室",
    "2019/2/28 11:25",
    "2026-11-20 08:00:00",
    "20261120或2026年11月20日9点30分到10点",
    "电话20261120打的",
    "补偿款13800138000元",
    "共计13800138000.00",
    "￥13912345678",
    "投资13800138000 万元",
    "坐标120.13812345678,30.13912345678",
    "行政区划330106001001",
    "统一信用代码91330100MA2B12345X",
    "990102199013071234",  # no such month
    "990102199003071230 6999 9900 0000 0001",  # wrong check character, wrong Luhn
    "1380013800",
    "138001380001",
    "时间戳1763600000000",
    "GB 11643-1999、ISO 7064",
    "温度-5~12.5℃，PM2.5为35，新区3号线A12345，新A栋1203，云平台V2.0.1234",
    "在微信公众号：qingting12345上看到",
    "微信小程序打不开，QQ群也没人理",
    "单价5@3.5元",
    "@市民服务 请回复",
    "一三五七九号楼，二〇二六年一月",
    "192.168.100.200",
    "https://example.com/a/20261120/12345.html",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_not_personal_stays(text: str):
    assert MASKER.mask({"text": text}) == Masked({"text": text}, ())


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "+86 199-9900-0007", "１９９９９０００００７"),
        ("phone", "008657128886666", "0571-28886666"),
        ("phone", "一九九九九〇〇〇〇〇七", PHONE),
        ("email", " Citizen7@Example.com", EMAIL),
        ("resident_id", "990102 19900307 012x", "99010219900307012X"),
        ("plate", "浙i·12345", "浙I 12345"),
        ("name", "王\u3000小明 ", "王 小明"),
    ],
)
def test_one_value_has_one_normal_form(kind: str, one: str, other: str):
    assert normal(kind, one) == normal(kind, other)


def test_a_foreign_number_is_not_taken_for_one_at_home():
    assert normal("phone", "+1 999 900 0007") != normal("phone", "1999 900 0007")


def test_found_carries_the_value_in_its_normal_form():
    assert values(f"{spaced(PHONE, 3, 4)} {EMAIL}") == [("phone", PHONE), ("email", EMAIL)]


def test_the_same_value_has_the_same_placeholder_in_every_part():
    masked = MASKER.mask({"title": f"{PHONE}没人接", "text": f"打+86{PHONE}", "address": f"{PHONE}旁", "extra": {"回电": PHONE}})
    assert masked.parts == {"title": "[电话1]没人接", "text": "打[电话1]", "address": "[电话1]旁", "extra": {"回电": "[电话1]"}}
    assert len(masked.found) == 1


def test_extra_is_masked_in_depth_in_keys_and_numbers():
    extra = {
        PHONE: [int(PHONE), float(PHONE), {"a": (CARD, None, True, 1.5)}],
        "id": int(RESIDENT[:17] + "0"),
        spaced(PHONE, 3, 4): 1,
    }
    masked = MASKER.mask({"extra": extra}).parts["extra"]
    assert masked["[电话1]"] == ["[电话1]", "[电话1]", {"a": ["[银行卡1]", None, True, 1.5]}]
    assert masked["[电话1]_"] == 1
    assert set(masked) == {"[电话1]", "[电话1]_", "id"}


@pytest.mark.parametrize("number", [0, -1, 13800138, 1763600000000, 10**30, 1e300, float("inf"), float("nan"), 13800138000.5])
def test_other_numbers_stay_numbers(number: float):
    assert MASKER.mask({"extra": {"n": number}}).parts["extra"]["n"] is number


def test_depth_is_no_trouble():
    extra: object = f"{PHONE} "
    for _ in range(127):
        extra = {"a": [extra]}
    assert MASKER.mask({"extra": extra}).found[0].value == PHONE


def test_the_input_is_left_alone():
    extra = {"a": [PHONE]}
    MASKER.mask({"extra": extra})
    assert extra == {"a": [PHONE]}


def test_numbering_goes_on_after_what_the_citizen_typed():
    masked = MASKER.mask({"text": f"上次的[电话5][电话2]是{PHONE}", "extra": [["[邮箱3]"], EMAIL]})
    assert masked.parts == {"text": "上次的[电话5][电话2]是[电话6]", "extra": [["[邮箱3]"], "[邮箱4]"]}


def test_other_languages_have_english_placeholders():
    text = f"Call {PHONE}, {EMAIL}, {RESIDENT}, {CARD}"
    assert mask(text, language="en-GB") == "Call [phone1], [email1], [id1], [card1]"
    assert Masker(language="en").mask({"text": PHONE}).parts["text"] == "[phone1]"


@pytest.mark.parametrize(
    ("text", "own", "expected"),
    [
        ("我是张小明，张小明", ("name", "张小明"), "我是[姓名1]，[姓名1]"),
        ("张\u200b小明", ("name", "张小明"), "[姓名1]"),
        ("I am ann LEE, Annual leeway", ("name", "Ann Lee"), "I am [姓名1], Annual leeway"),
        ("张先生", ("name", "张"), "张先生"),
        ("我是市民", ("name", "市民"), "我是市民"),
        ("[电话1]", ("name", "电话"), "[电话1]"),
        ("打28886666找我", ("phone", "28886666"), "打[电话1]找我"),
        ("号128886666", ("phone", "28886666"), "号128886666"),
        (f"{PHONE}", ("phone", f"+86 {PHONE}"), "[电话1]"),
        (f"{PHONE}", ("account", PHONE), "[电话1]"),
        ("用户Someone01", ("account", "someone01"), "用户[账号1]"),
        ("x.me@example.com", ("email", "me@example.com"), "[邮箱1]"),
        ("护照E12345678", ("resident_id", "E12345678"), "护照[身份证1]"),
        ("İ 28886666", ("phone", "28886666"), "İ [电话1]"),
        ("任何", ("name", ""), "任何"),
    ],
)
def test_the_citizens_own_contact_is_masked_wherever_it_occurs(text: str, own: tuple, expected: str):
    assert mask(text, own) == expected
    assert mask(expected, own) == expected


PERSONAL = st.one_of(
    st.integers(0, 99_999).map(people.phone),
    st.integers(0, 99_999).map(people.email),
    st.integers(0, 999).map(people.resident_id),
    st.builds(people.bank_card, st.integers(0, 999_999), length=st.integers(13, 19)),
    st.builds(people.plate, st.integers(10_000, 99_999), new_energy=st.booleans()),
)
PLAIN = st.text("他们说路灯坏了，。！ ?abc()\n", max_size=20)
MESSY = st.lists(st.one_of(PERSONAL, st.text("0123456789-. +@aQ[]电话1浙京微信号：元", max_size=12), PLAIN), max_size=8).map(
    "".join
)


@given(MESSY)
def test_masking_twice_is_masking_once(text: str):
    once = mask(text)
    assert mask(once) == once


@given(st.lists(st.tuples(PLAIN, PERSONAL), min_size=1, max_size=5))
def test_nothing_personal_survives(pairs: list[tuple[str, str]]):
    masked = MASKER.mask({"text": "".join(f"{plain}，{value}；" for plain, value in pairs)})
    assert not [value for _, value in pairs if value in masked.parts["text"]]
    assert {found.value for found in masked.found} == {value for _, value in pairs}


@given(st.text(st.characters(exclude_categories=["Nd", "Nl", "No", "Cs"], exclude_characters="@＠一幺"), max_size=200))
def test_a_text_without_digits_accounts_or_addresses_is_unchanged(text: str):
    if not any(word in text.lower() for word in ("微信", "chat", "qq", "vx", "wx", "扣扣")):
        assert mask(text) == text


@given(st.integers(0, 999), st.integers(0, 17), st.integers(1, 9))
def test_a_wrong_digit_makes_no_resident_id(serial: int, place: int, by: int):
    right = people.resident_id(serial)
    if right[place] != "X":
        wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
        assert ("resident_id", wrong) not in values(wrong)


EVIL = ["a", "1", "a@", "a.", "1 ", "4444 ", "4444-", "13800138000 ", "１", "1\u200b", "微信号:a", "QQ1", "+1", "12.", "1.", "0571-",
        "京A", "京a1", "((0571)", "￥1", "一三", "身份证1", "[电话1]", "1 3 ", "电话", "@", "a@a.", "110101 1990 0307 1234 "]  # fmt: skip


@pytest.mark.parametrize("seed", EVIL)
def test_time_grows_with_the_length_and_no_faster(seed: str):
    """Quadratic time would take 16 times as long for 4 times the text, and minutes for 256 KB."""
    small, large = (shortest(partial(mask, grown(seed, size))) for size in (16_000, 64_000))
    assert large < 9 * small + 0.02


def grown(seed: str, size: int) -> str:
    return (seed * (size // len(seed) + 1))[:size]
