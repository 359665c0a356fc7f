"""What can be wrong with the examples themselves: how, and what the author then reads."""

from tests.unit.pack.breaking import EXAMPLES, HOUSING, Break, add, both, example, put

RESERVED = add("pack.yaml", 'reserved: {mobile: ["199990"], resident_id: ["9901"]}\n')
HERE = "examples/01-housing.jsonl:13: "


def one(line: str) -> Break:
    return add(EXAMPLES, line)


def labelled(more: str, text: str = "楼道灯不亮了") -> str:
    return f'{{"text": "{text}", "category": "housing.lift", "kind": "help", {more}}}\n'


def said(text: str) -> Break:
    return both(RESERVED, one(example(text)))


BROKEN: dict[str, tuple[Break, str]] = {
    "place that is not named": (
        one(labelled('"places": ["西大街"]')),
        HERE + "place `西大街` is not in the text; the name as it stands in the title or the text",
    ),
    "places that are no list": (
        one(labelled('"places": "楼道"')),
        HERE + "`places` is `楼道`; a list:",
    ),
    "wanted department unknown": (
        one(labelled('"department": "city-housng"')),
        HERE + "unknown department `city-housng`; did you mean `city-housing`?",
    ),
    "wanted department retired": (
        both(
            add("departments.yaml", "- {code: old, name: {zh: 旧}, function: old, level: city, region: '990100',\n"),
            add("departments.yaml", "   desk: {owner: {zh: 岗}}, retired: true}\n"),
            one(labelled('"department": "old"')),
        ),
        HERE + "department `old` is retired; one that still takes cases",
    ),
    "wanted department of another rule": (
        one(labelled('"department": "east-housing"')),
        HERE
        + "the routes lead to `city-housing` (rule `lift`), not to `east-housing`; other labels, or a route that leads there",
    ),
    "nearly the same": (
        put("examples/02.jsonl", example("电梯又坏了，八十岁的老母亲爬了十二层楼")),
        "examples/02.jsonl:1: nearly the same text as examples/01-housing.jsonl:7: 电梯又坏了，八十岁的老母亲爬了十二层楼;",
    ),
    "somebody's phone": (
        said("打我电话13800138000"),
        HERE + "phone 13800138000 may be somebody's; one that begins with 199990",
    ),
    "somebody's phone in groups": (
        said("打我电话138 0013 8000"),
        HERE + "phone 138 0013 8000 may be somebody's; one that begins with 199990",
    ),
    "somebody's landline": (
        said("座机是0571-87654321"),
        HERE + "phone 0571-87654321 may be somebody's; one that begins with 199990",
    ),
    "phone cut short": (
        said("打我电话1999901234"),
        HERE + "phone 1999901234 has 10 digits; 11 digits",
    ),
    "phone, and nothing reserved": (
        one(example("打我电话19999012345")),
        HERE + "phone 19999012345 may be somebody's; `reserved.mobile` in pack.yaml, and a number from there",
    ),
    "somebody's identity": (
        said("身份证110101199003070011"),
        HERE + "resident ID 110101199003070011 may be somebody's; one that begins with 9901",
    ),
    "identity with a wrong check": (
        said("身份证990102199003070015"),
        HERE + "resident ID 990102199003070015 has a wrong check character; 990102199003070011",
    ),
}

PAIRS = (
    ("厨房水池下面滴水", "滴水的厨房水池谁来修"),
    ("卫生间天花板渗了一片", "渗了一片的卫生间天花板"),
    ("阳台墙皮掉光", "掉光墙皮的阳台难看"),
    ("地下室积水没过脚", "积水的地下室臭"),
    ("消防栓坏了喷水", "喷水的消防栓浪费"),
    ("屋顶防水层开裂", "开裂的屋顶防水层"),
)
TWINS = (
    "  - {code: housing.pipes, name: {zh: 水管}, function: housing, definition: {zh: 水管}, usual_kind: help, synonyms: [水管]}\n"
    "  - {code: housing.leaks, name: {zh: 漏水}, function: housing, definition: {zh: 漏水}, usual_kind: help, synonyms: [漏水]}\n"
)


def twins() -> Break:
    """Two leaves that mean the same: what one example says, one of the other leaf says too."""
    lines = "".join(
        example(text, category=f"housing.{leaf}") for pair in PAIRS for leaf, text in zip(("pipes", "leaks"), pair, strict=True)
    )
    route = "- {name: wet, why: {zh: 水}, when: {category: [housing.pipes, housing.leaks]}, to: {function: housing}}\n"
    return both(add(HOUSING, TWINS), add("routes/01-housing.yaml", route), add(EXAMPLES, lines))


DOUBTFUL: dict[str, tuple[Break, str]] = {
    "two leaves that are one": (
        twins(),
        "categories/01-housing.yaml:18: the examples of `housing.leaks` and `housing.pipes` cannot be told apart (",
    ),
}
