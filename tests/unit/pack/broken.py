"""Everything that can be wrong with a pack, one thing at a time: how it is broken and what its author then reads."""

from tests.unit.pack.breaking import EXAMPLES, HOUSING, ROUTES, Break, add, both, department, example, put, swap
from tests.unit.pack.broken_files import UNREADABLE

BROKEN: dict[str, tuple[Break, str]] = UNREADABLE | {
    # the city and its regions
    "catch-all nobody": (
        swap("pack.yaml", "city-hotline", "city-hotlin"),
        "pack.yaml:5: unknown department `city-hotlin`; did you mean `city-hotline`?",
    ),
    "catch-all retired": (
        swap("departments.yaml", "{zh: 班长岗}}", "{zh: 班长岗}}\n  retired: true"),
        "pack.yaml:5: department `city-hotline` is retired; one that still takes cases",
    ),
    "test desk nobody": (
        swap("pack.yaml", "test_desk: test-desk", "test_desk: zzz"),
        "pack.yaml:6: unknown department `zzz`; one of city-hotline, city-housing, east-housing, test-desk",
    ),
    "parent unknown": (
        swap("regions.yaml", 'parent: "990100"', 'parent: "990900"'),
        "regions.yaml:8: unknown region `990900`; did you mean `990100`?",
    ),
    "no parent": (
        swap("regions.yaml", '  parent: "990100"\n', ""),
        "regions.yaml:5: region `990102` has no parent; `parent: …`: only the city's own (990100) has none",
    ),
    "circle": (
        swap("regions.yaml", 'parent: "990100"', 'parent: "990102"'),
        "regions.yaml:8: regions in a circle: 990102 → 990102; parents that lead to the city",
    ),
    "name of two regions": (
        swap("regions.yaml", "东大街", "小城"),
        "regions.yaml:9: `小城` names region 990100 already (regions.yaml:1); a name that belongs to one region only",
    ),
    "region code twice": (
        add("regions.yaml", '- {code: "990102", name: {zh: 西区}, level: district, parent: "990100"}\n'),
        "regions.yaml:10: code `990102` a second time (first regions.yaml:5); a code of its own",
    ),
    # departments, channels, clocks
    "department code twice": (
        add("departments.yaml", department("test-desk", "又一个", "more")),
        "departments.yaml:25: code `test-desk` a second time (first departments.yaml:19); a code of its own",
    ),
    "department name twice": (
        swap("departments.yaml", "测试岗, en", "热线中心, en"),
        "departments.yaml:20: name `热线中心` a second time (first departments.yaml:14); a name of its own",
    ),
    "department nowhere": (
        add("departments.yaml", department("far", "远方局", "more", "district", "110000")),
        "departments.yaml:29: unknown region `110000`; one of 990100, 990102",
    ),
    "city department in a district": (
        add("departments.yaml", department("far", "远方局", "more", "city", "990102")),
        "departments.yaml:29: a city department in region 990102; region 990100, or `level: district`",
    ),
    "district department in the city": (
        add("departments.yaml", department("far", "远方局", "more", "district")),
        "departments.yaml:29: a district department in the city's region 990100; a district's region, or `level: city`",
    ),
    "clock of a channel unknown": (
        add("channels.yaml", "  clock: urgnt\n"),
        "channels.yaml:3: unknown clock `urgnt`; did you mean `urgent`?",
    ),
    "no last clock": (
        swap("clocks.yaml", "when: {}", "when: {kind: [help]}"),
        "clocks.yaml:6: no clock for what meets no condition; a last clock with `when: {}`",
    ),
    "clock behind the last": (
        swap("clocks.yaml", "when: {urgency: [urgent]}", "when: {}"),
        "clocks.yaml:1: clock `urgent` holds always, so none after it is reached; put it last",
    ),
    "clock for no channel": (
        swap("clocks.yaml", "{urgency: [urgent]}", "{channel: [fax]}"),
        "clocks.yaml:3: unknown channel `fax`; one of hotline",
    ),
    # categories
    "stranger among children": (
        both(*(swap(name, "housing.lift", "house.lift") for name in (HOUSING, ROUTES)), put(EXAMPLES, "")),
        "categories/01-housing.yaml:11: category `house.lift` stands under `housing`; `housing.lift`",
    ),
    "dot on the first level": (
        put("categories/02.yaml", "code: a.b\nname: {zh: 甲}\nretired: true\n"),
        "categories/02.yaml:1: first-level category `a.b`; one part without a dot; deeper levels stand under `children`",
    ),
    "category code twice": (
        add(HOUSING, "  - {code: housing.lift, name: {zh: 梯子}}\n"),
        "categories/01-housing.yaml:17: code `housing.lift` a second time (first categories/01-housing.yaml:11);",
    ),
    "sibling name twice": (
        swap(HOUSING, "{zh: 电梯", "{zh: 物业"),
        "categories/01-housing.yaml:12: name `物业` a second time (first categories/01-housing.yaml:5); a name of its own",
    ),
    "function of a category unknown": (
        swap(HOUSING, "function: housing\n    level", "function: housin\n    level"),
        "categories/01-housing.yaml:6: unknown function `housin`; did you mean `housing`?",
    ),
    "leaf without route": (
        add(HOUSING, "  - {code: housing.rent, name: {zh: 租房}}\n"),
        "categories/01-housing.yaml:17: no route takes category `housing.rent`;",
    ),
    # routes
    "route name twice": (
        swap(ROUTES, "name: lift", "name: property"),
        "routes/01-housing.yaml:5: name `property` a second time (first routes/01-housing.yaml:1); a name of its own",
    ),
    "category of a route unknown": (
        add(ROUTES, "- {name: a, why: {zh: 因}, when: {category: [housng.lift]}, to: {function: housing}}\n"),
        "routes/01-housing.yaml:9: unknown category `housng.lift`; did you mean `housing.lift`?",
    ),
    "region of a route unknown": (
        swap(ROUTES, "[housing.lift]", '[housing.lift], region: ["990109"]'),
        "routes/01-housing.yaml:7: unknown region `990109`; did you mean `990102`?",
    ),
    "channel of a route unknown": (
        swap(ROUTES, "[housing.lift]", "[housing.lift], channel: [fax]"),
        "routes/01-housing.yaml:7: unknown channel `fax`; one of hotline",
    ),
    "department of a route unknown": (
        swap(ROUTES, "city-housing", "city-housin"),
        "routes/01-housing.yaml:8: unknown department `city-housin`; did you mean `city-housing`?",
    ),
    "function of a route unknown": (
        swap(ROUTES, "function: housing,", "function: fire,"),
        "routes/01-housing.yaml:4: unknown function `fire`; one of hotline, housing, test",
    ),
    "function at no such level": (
        swap(ROUTES, "function: housing, level: district", "function: hotline, level: district"),
        "routes/01-housing.yaml:4: no district department has function `hotline`; `level: city`, or such a department",
    ),
    "target of nothing": (
        swap(ROUTES, "{department: city-housing}", "{}"),
        "routes/01-housing.yaml:8: a target with neither function nor department;",
    ),
    "target of both": (
        swap(ROUTES, "{department: city-housing}", "{department: city-housing, function: housing}"),
        "routes/01-housing.yaml:8: a target with `function` and `department`;",
    ),
    "helper unknown": (
        add(ROUTES, "  co: [{function: gas}]\n"),
        "routes/01-housing.yaml:9: unknown function `gas`; one of hotline, housing, test",
    ),
    # examples
    "bad JSON": (
        add(EXAMPLES, "\n{oops}\n"),
        "examples/01-housing.jsonl:14: not JSON: ",
    ),
    "no object": (
        add(EXAMPLES, "[1]\n"),
        'examples/01-housing.jsonl:13: not a JSON object: [1]; one object a line: {"text": …, "category": …}',
    ),
    "endless brackets": (
        add(EXAMPLES, "[" * 100_000 + "\n"),
        "examples/01-housing.jsonl:13: not JSON: ",
    ),
    "examples not UTF-8": (
        put("examples/02.jsonl", b"\n\n\xff"),
        "examples/02.jsonl:3: byte 0xff is not UTF-8; save the file as UTF-8",
    ),
    "example field unknown": (
        add(EXAMPLES, example(knd="help")),
        "examples/01-housing.jsonl:13: unknown field `knd`; did you mean `kind`?",
    ),
    "example kind unknown": (
        add(EXAMPLES, example(kind="complain")),
        "examples/01-housing.jsonl:13: `kind` is `complain`; did you mean `complaint`?",
    ),
    "example category unknown": (
        add(EXAMPLES, example(category="housing.lifts")),
        "examples/01-housing.jsonl:13: unknown category `housing.lifts`; did you mean `housing.lift`?",
    ),
    "example region unknown": (
        add(EXAMPLES, example(region="990109")),
        "examples/01-housing.jsonl:13: unknown region `990109`; did you mean `990102`?",
    ),
    "example channel unknown": (
        add(EXAMPLES, example(channel="fax")),
        "examples/01-housing.jsonl:13: unknown channel `fax`; one of hotline",
    ),
    "example of no leaf": (
        add(EXAMPLES, example(category="housing")),
        "examples/01-housing.jsonl:13: an example of `housing`, which has categories below it;",
    ),
    "example twice": (
        put("examples/02.jsonl", example(" 老房子加装电梯的补贴怎么申请 ")),
        "examples/02.jsonl:1: the same text as examples/01-housing.jsonl:11: 老房子加装电梯的补贴怎么申请; each example once, with one label",
    ),
}
"""What is done to a good pack, and the mistake that is found then (how its line begins)."""

DOUBTFUL: dict[str, tuple[Break, str]] = {
    "a district without the function": (
        add("regions.yaml", '- {code: "990103", name: {zh: 西区}, level: district, parent: "990100"}\n'),
        "routes/01-housing.yaml:4: function `housing` is missing in 西区; falls to the city there",
    ),
    "a function without the city": (
        both(
            add("departments.yaml", department("pond", "水塘局", "pond", "district", "990102")),
            add(ROUTES, "- {name: pond, why: {zh: 水}, when: {words: [池塘]}, to: {function: pond, level: district}}\n"),
        ),
        "routes/01-housing.yaml:9: no city department has function `pond`;",
    ),
    "an idle department": (
        add("departments.yaml", department("idle", "清闲局", "idle")),
        "departments.yaml:25: nobody routes to department `idle`; a route to its function, or `retired: true`",
    ),
    "two for one function": (
        add("departments.yaml", department("twin", "双胞局", "housing")),
        "departments.yaml:25: `city-housing` has function `housing` in region 990100 too; routes choose the first of them",
    ),
    "a leaf with a half route": (
        swap(ROUTES, "[housing.lift]", "[housing.lift], words: [坏]"),
        "categories/01-housing.yaml:11: category `housing.lift` has only routes with further conditions;",
    ),
    "a route never reached": (
        add(ROUTES, "- {name: late, why: {zh: 晚}, when: {category: [housing.lift], words: [坏]}, to: {function: hotline}}\n"),
        "routes/01-housing.yaml:9: route `late` is never reached: `lift` (routes/01-housing.yaml:5) takes all of it;",
    ),
    "too few examples": (
        swap(EXAMPLES, '怎么申请","category":"housing.lift', '怎么申请","category":"housing.property'),
        "categories/01-housing.yaml:11: category `housing.lift` has 5 examples; 6 or more",
    ),
    "a file nobody reads": (
        put("routes/02-more.yml", ""),
        "routes/02-more.yml: nobody reads this; only *.yaml files count here",
    ),
}
"""What is done to a good pack, and the warning that is given then."""
