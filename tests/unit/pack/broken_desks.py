"""What can be wrong with departments, matters, calendar, clocks, replies and crosswalks."""

from tests.unit.pack.breaking import HOUSING, ROUTES, Break, add, both, example, put, swap

CALENDAR, MATTERS, CROSSWALK = "calendar.yaml", "matters/person.yaml", "crosswalks/urban.yaml"
MATTER = """\
- code: flat
  name: {zh: 买房一件事}
  for: person
  items:
    - {code: contract, name: {zh: 网签}, function: housing, order: 1, days: 1}
    - {code: deed, name: {zh: 办证}, function: housing, order: 2, days: 3, papers: [{name: {zh: 户口簿}, on_file: true}]}
  usual_categories: [housing.lift]
"""
WALK = """\
system: {zh: 城管编码}
version: "2"
valid_from: "2026-01-01"
department: city-housing
codes:
  - {theirs: "0101", name: {zh: 电梯}, ours: [housing.lift]}
"""


LEAF = """\
code: fire
name: {zh: 电梯}
function: housing
definition: {zh: 火灾隐患}
usual_kind: report
synonyms: [着火]
"""
FIRES = "".join(
    example(text, category="fire")
    for text in ("楼道堆满纸箱怕着火", "消防通道停了车", "灭火器过期三年", "厨房起火了", "烟感从来不响", "有人在楼里烧纸")
)


def after_desk(more: str) -> Break:
    """The test desk with this besides."""
    return add("departments.yaml", more)


def year(text: str) -> Break:
    return put(CALENDAR, f"years:\n  2026:\n{text}")


def matter(old: str, new: str) -> Break:
    return both(put(MATTERS, MATTER), swap(MATTERS, old, new))


def walk(old: str, new: str) -> Break:
    return both(put(CROSSWALK, WALK), swap(CROSSWALK, old, new))


BROKEN: dict[str, tuple[Break, str]] = {
    # the city
    "timezone nowhere": (
        add("pack.yaml", "timezone: Asia/Smalltown\n"),
        "pack.yaml:7: unknown timezone `Asia/Smalltown`; a name such as",
    ),
    "reserved for whom": (
        add("pack.yaml", "reserved: {mobile: ['1999-90']}\n"),
        "pack.yaml:7: `mobile` is `1999-90`; three to ten digits",
    ),
    # departments
    "supervisor nobody": (
        after_desk("  supervisor: city-hotlin\n"),
        "departments.yaml:25: unknown department `city-hotlin`; did you mean `city-hotline`?",
    ),
    "supervisor of itself": (
        after_desk("  supervisor: test-desk\n"),
        "departments.yaml:25: department `test-desk` supervises itself; another department",
    ),
    "unit twice": (
        after_desk(
            "  units:\n  - {code: a, name: {zh: 科}, units: [{code: b, name: {zh: 组}}]}\n  - {code: b, name: {zh: 股}}\n"
        ),
        "departments.yaml:27: code `b` a second time (first departments.yaml:26); a code of its own",
    ),
    "unit without a name": (
        after_desk("  units: [{code: a, name: {}}]\n"),
        "departments.yaml:25: `name` says nothing;",
    ),
    "power that says nothing": (
        after_desk("  powers: [{}]\n"),
        "departments.yaml:25: `powers` says nothing;",
    ),
    "not ours, but whose": (
        after_desk("  not_ours: [{what: {zh: 火灾}, function: fire}]\n"),
        "departments.yaml:25: unknown function `fire`; one of hotline, housing, test",
    ),
    "desk with a person's field": (
        swap("departments.yaml", "{zh: 班长岗}", "{zh: 班长岗}, mobil: x"),
        "departments.yaml:18: unknown field `mobil`; one of hours, owner, phone",
    ),
    "departments twice": (
        put("departments/more.yaml", "[]\n"),
        "departments: a folder beside departments.yaml; one of them",
    ),
    # channels and clocks
    "limit below nothing": (
        add("channels.yaml", "  limits: {text_chars: 0}\n"),
        "channels.yaml:3: `text_chars` is `0`; it should be greater than 0",
    ),
    "half a workday": (
        swap("clocks.yaml", "resolve_days: 3", "resolve_days: 2.5\n  days: workdays"),
        "clocks.yaml:5: 2.5 days where whole days are counted; a whole number",
    ),
    "first day of another word": (
        swap("clocks.yaml", "resolve_days: 3", "resolve_days: 3\n  first_day: same_day"),
        "clocks.yaml:6: `first_day` is `same_day`; did you mean `same`?",
    ),
    "clock that starts with nothing": (
        swap("clocks.yaml", "resolve_days: 3", "resolve_days: 3\n  starts: recieved"),
        "clocks.yaml:6: `starts` is `recieved`; did you mean `received`?",
    ),
    # calendar
    "year that is none": (
        put(CALENDAR, "years:\n  this: {}\n"),
        "calendar.yaml:2: `this` as the name of a field; a whole number",
    ),
    "holiday backwards": (
        year("    holidays: [{name: {zh: 节}, from: 2026-05-03, to: 2026-05-01}]\n"),
        "calendar.yaml:3: a holiday from 2026-05-03 to 2026-05-01; its last day not before its first",
    ),
    "holiday in another year": (
        year("    holidays: [{name: {zh: 节}, from: 2027-05-01, to: 2027-05-01}]\n"),
        "calendar.yaml:3: a holiday of 2027-05-01 under 2026; under 2027",
    ),
    "holidays out of order": (
        year(
            "    holidays:\n    - {name: {zh: 节}, from: 2026-05-01, to: 2026-05-03}\n"
            "    - {name: {zh: 日}, from: 2026-05-03, to: 2026-05-04}\n"
        ),
        "calendar.yaml:5: a holiday from 2026-05-03 on, when the one before ends on 2026-05-03; holidays in order,",
    ),
    "workday that is one anyway": (
        year('    workdays: ["2026-05-06"]\n'),
        "calendar.yaml:3: 2026-05-06 is a workday anyway; weekends and holidays only that are worked",
    ),
    "workday in another year": (
        year('    workdays: ["2025-05-04"]\n'),
        "calendar.yaml:3: a workday of 2025-05-04 under 2026; under 2025",
    ),
    "holiday on no day": (
        year("    workdays: [may]\n"),
        "calendar.yaml:3: `workdays` is `may`; a date: 2026-05-01",
    ),
    "country unknown": (
        put(CALENDAR, "source: holidays\ncountry: QQ\n"),
        "calendar.yaml:2: the library knows no `QQ`; codes of ISO 3166,",
    ),
    "source without a country": (
        put(CALENDAR, "source: holidays\n"),
        "calendar.yaml:1: a source without a country; `country: …`,",
    ),
    "country without a source": (
        put(CALENDAR, "country: GB\nsubdivision: ENG\n"),
        "calendar.yaml:1: a country without a source; `source: holidays`",
    ),
    # matters
    "matter for nobody": (
        matter("for: person", "for: people"),
        "matters/person.yaml:3: `for` is `people`; one of business, person",
    ),
    "matter without for": (
        matter("  for: person\n", ""),
        "matters/person.yaml:1: `for` is missing; `for: …` is needed here",
    ),
    "matter twice": (
        put(MATTERS, MATTER + MATTER.replace("买房", "卖房")),
        "matters/person.yaml:8: code `flat` a second time (first matters/person.yaml:1); a code of its own",
    ),
    "item of a function unknown": (
        matter("function: housing, order: 2", "function: land, order: 2"),
        "matters/person.yaml:6: unknown function `land`; one of hotline, housing, test",
    ),
    "item at no such level": (
        matter("function: housing, order: 2", "function: hotline, level: district, order: 2"),
        "matters/person.yaml:6: no district department has function `hotline`;",
    ),
    "items with a gap": (
        matter("order: 2", "order: 3"),
        "matters/person.yaml:6: order 3, and nothing has 2; `order: 2`",
    ),
    "items from nothing on": (
        matter("order: 1", "order: 0"),
        "matters/person.yaml:5: `order` is `0`; it should be greater than or equal to 1",
    ),
    "item twice": (
        matter("code: deed", "code: contract"),
        "matters/person.yaml:6: code `contract` a second time (first matters/person.yaml:5); a code of its own",
    ),
    "matter of an unknown category": (
        matter("[housing.lift]", "[housing.lft]"),
        "matters/person.yaml:7: unknown category `housing.lft`; did you mean `housing.lift`?",
    ),
    "matter of a retired category": (
        both(matter("[housing.lift]", "[housing.old]"), add(HOUSING, "  - {code: housing.old, name: {zh: 旧}, retired: true}\n")),
        "matters/person.yaml:7: category `housing.old` is retired; a category in use",
    ),
    # what to answer
    "return that needs what": (
        put("returns.yaml", "- {code: a, name: {zh: 非本部门}, needs: funtion}\n"),
        "returns.yaml:1: `needs` is `funtion`; did you mean `function`?",
    ),
    "return twice": (
        put("returns.yaml", "- {code: a, name: {zh: 甲}}\n- {code: a, name: {zh: 乙}}\n"),
        "returns.yaml:2: code `a` a second time (first returns.yaml:1); a code of its own",
    ),
    "reply without words": (
        put("replies.yaml", "- {code: a, name: {zh: 甲}, text: {}}\n"),
        "replies.yaml:1: `text` says nothing;",
    ),
    "reply of a kind unknown": (
        put("replies.yaml", "- {code: a, name: {zh: 甲}, kind: [thanks], text: {zh: 好}}\n"),
        "replies.yaml:1: `kind` is `thanks`; one of",
    ),
    # crosswalks
    "crosswalk of nobody": (
        walk("department: city-housing", "department: city-urban"),
        "crosswalks/urban.yaml:4: unknown department `city-urban`;",
    ),
    "crosswalk to nothing": (
        walk("[housing.lift]", "[housing.lfit]"),
        "crosswalks/urban.yaml:6: unknown category `housing.lfit`; did you mean `housing.lift`?",
    ),
    "crosswalk code twice": (
        both(put(CROSSWALK, WALK), add(CROSSWALK, '  - {theirs: "0101", name: {zh: 梯}, ours: [housing.lift]}\n')),
        "crosswalks/urban.yaml:7: code `0101` a second time (first crosswalks/urban.yaml:6); a code of its own",
    ),
    "crosswalk version twice": (
        both(put(CROSSWALK, WALK), put("crosswalks/urban2.yaml", WALK)),
        "crosswalks/urban2.yaml:2: version 2 of 城管编码 a second time (first crosswalks/urban.yaml); a version of its own",
    ),
    # Open311
    "service of an unknown category": (
        put("open311.yaml", "services:\n  - {service_code: '1', service_name: Lift, category: housing.lfit}\n"),
        "open311.yaml:2: unknown category `housing.lfit`; did you mean `housing.lift`?",
    ),
    "service twice": (
        put("open311.yaml", "services:\n" + "  - {service_code: '1', service_name: Lift, category: housing.lift}\n" * 2),
        "open311.yaml:3: service_code `1` a second time (first open311.yaml:2);",
    ),
}
DOUBTFUL: dict[str, tuple[Break, str]] = {
    "a file misspelt": (
        put("gazeteer.yaml", "[]\n"),
        "gazeteer.yaml: nobody reads this; did you mean `gazetteer.yaml`?",
    ),
    "workdays without a calendar": (
        swap("clocks.yaml", "resolve_days: 3", "resolve_days: 3\n  days: workdays"),
        "clocks.yaml:1: clock `urgent` counts workdays without a calendar; a calendar.yaml with the holidays",
    ),
    "two leaves of one name": (
        both(
            put("categories/02-fire.yaml", LEAF),
            add(ROUTES, "- {name: fire, why: {zh: 火}, when: {category: [fire]}, to: {function: housing}}\n"),
            put("examples/02.jsonl", FIRES),
        ),
        "categories/02-fire.yaml:2: two leaves are called `电梯` (first categories/01-housing.yaml:12); a name that tells them apart",
    ),
    "a reference to nothing": (
        swap(HOUSING, "    usual_kind: help\n", "    usual_kind: help\n    not_here: {zh: 保洁归「物业费」}\n"),
        "categories/01-housing.yaml:16: `not_here` of `housing.lift` names 「物业费」; did you mean `物业`?",
    ),
    "a leaf that says little": (
        swap(HOUSING, "    usual_kind: help\n    synonyms: [升降机]\n", ""),
        "categories/01-housing.yaml:11: category `housing.lift` has no `synonyms` and `usual_kind`;",
    ),
}
