"""What can be wrong with regions, the gazetteer and areas: how, and what the author then reads."""

import json
from typing import Any

from tests.unit.pack.breaking import EXAMPLES, Break, add, both, example, put, swap

GAZETTEER, AREAS = "gazetteer.yaml", "areas/districts.geojson"
WEST = '- {code: "990103", name: {zh: 西区}, level: district, parent: "990100"}\n'
OLD = '- {code: "990101", name: {zh: 老区}, level: district, parent: "990100", retired: true, successors: ["990102"]}\n'


def region(code: str, name: str, level: str = "street", parent: str = "990102", more: str = "") -> str:
    return f'- {{code: "{code}", name: {{zh: {name}}}, level: {level}, parent: "{parent}"{more}}}\n'


def box(code: str, west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"code": code}, "geometry": geometry}


def areas(*features: Any) -> Break:
    lines = ",\n".join(map(json.dumps, features))
    return put(AREAS, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')


EAST, CITY = box("990102", 0, 0, 1, 1), box("990100", 0, 0, 2, 1)
BROKEN: dict[str, tuple[Break, str]] = {
    # regions
    "street under another district": (
        add("regions.yaml", WEST + region("990102001", "一街", parent="990103")),
        'regions.yaml:11: region `990102001` stands under `990103`; `parent: "990102"`, or a code of `990103` and three digits',
    ),
    "street with six digits": (
        add("regions.yaml", region("990104", "一街")),
        "regions.yaml:10: a street whose code `990104` has 6 digits; 9 digits",
    ),
    "community under a district": (
        add("regions.yaml", region("990102001001", "一里", "community")),
        'regions.yaml:10: region `990102001001` stands under `990102`; `parent: "990102001"`, or a code of `990102`',
    ),
    "successor unknown": (
        add("regions.yaml", OLD.replace("990102", "990109")),
        "regions.yaml:10: unknown region `990109`; did you mean `990102`?",
    ),
    "successor of a region in use": (
        swap("regions.yaml", "  places: [东大街]", '  successors: ["990100"]'),
        "regions.yaml:9: `successors` of region `990102`, which is in use; `retired: true`, or no `successors`",
    ),
    "since when nothing ended": (
        add("regions.yaml", '  since: "2020-01-01"\n'),
        "regions.yaml:10: `since` of region `990102`, which is in use; `retired: true`, or no `since`",
    ),
    "heir of itself": (
        add("regions.yaml", OLD.replace('"990102"', '"990101"')),
        "regions.yaml:10: region `990101` comes after itself; successors that lead to regions in use",
    ),
    "street in a retired district": (
        add("regions.yaml", OLD + region("990101001", "一街", parent="990101")),
        "regions.yaml:11: region `990101001` lies in `990101`, which is retired; a parent in use",
    ),
    "former name without a date": (
        add("regions.yaml", "  former: [{name: 东乡}]\n"),
        "regions.yaml:10: `until` is missing; `until: …` is needed here",
    ),
    "date that is none": (
        add("regions.yaml", '  former: [{name: 东乡, until: "1990-13-01"}]\n'),
        "regions.yaml:10: `until` is `1990-13-01`; a date: 2026-05-01",
    ),
    "two streets of one name": (
        add("regions.yaml", region("990102001", "一街") + region("990102002", "一街")),
        "regions.yaml:11: `一街` names region 990102001 already (regions.yaml:10); a name that belongs to one region only",
    ),
    "street called like a district": (
        add("regions.yaml", region("990102001", "东区")),
        "regions.yaml:10: `东区` names region 990102 already (regions.yaml:5); a name that belongs to one region only",
    ),
    "route in a retired region": (
        both(add("regions.yaml", OLD), swap("clocks.yaml", "{urgency: [urgent]}", '{region: ["990101"]}')),
        "clocks.yaml:3: region `990101` is retired; its successor: 990102",
    ),
    "example in a retired region": (
        both(add("regions.yaml", OLD), add(EXAMPLES, example(region="990101"))),
        "examples/01-housing.jsonl:13: region `990101` is retired; its successor: 990102",
    ),
    # gazetteer
    "place in no region": (
        put(GAZETTEER, "- {name: 长河, kind: river, regions: []}\n"),
        "gazetteer.yaml:1: `regions` is a list; Tuple should have at least 1 item",
    ),
    "place in an unknown region": (
        put(GAZETTEER, '- {name: 长河, kind: river, regions: ["990109"]}\n'),
        "gazetteer.yaml:1: unknown region `990109`; did you mean `990102`?",
    ),
    "place of a kind nobody knows": (
        put(GAZETTEER, '- {name: 长河, kind: rivr, regions: ["990102"]}\n'),
        "gazetteer.yaml:1: `kind` is `rivr`; did you mean `river`?",
    ),
    "place twice": (
        put(GAZETTEER, '- {name: 长河, kind: river, regions: ["990102"]}\n- {name: 长河, kind: river, regions: ["990100"]}\n'),
        "gazetteer.yaml:2: river `长河` a second time (first gazetteer.yaml:1); one entry, with all the regions it lies in",
    ),
    "place in a retired region": (
        both(add("regions.yaml", OLD), put(GAZETTEER, '- {name: 长河, kind: river, regions: ["990101"]}\n')),
        "gazetteer.yaml:1: region `990101` is retired; its successor: 990102",
    ),
    # areas
    "areas not JSON": (
        put(AREAS, '{"type": "FeatureCollection",\n"features": [}'),
        "areas/districts.geojson:2: not JSON: Expecting value",
    ),
    "areas of something else": (
        put(AREAS, '{"type": "Feature"}'),
        "areas/districts.geojson:1: no FeatureCollection;",
    ),
    "area without a code": (
        areas({"type": "Feature", "properties": {}, "geometry": None}),
        "areas/districts.geojson:1: an area without a code;",
    ),
    "area of an unknown region": (
        areas(EAST | {"properties": {"code": "990109"}}),
        "areas/districts.geojson:2: unknown region `990109`; did you mean `990102`?",
    ),
    "area twice": (
        areas(EAST, EAST),
        "areas/districts.geojson:3: the area of `990102` a second time (first line 2);",
    ),
    "area that is a point": (
        areas(EAST | {"geometry": {"type": "Point", "coordinates": [0, 0]}}),
        "areas/districts.geojson:2: the area of `990102` is a Point; a Polygon or MultiPolygon",
    ),
    "area without geometry": (
        areas(EAST | {"geometry": None}),
        "areas/districts.geojson:2: the area of `990102` cannot be read",
    ),
    "area that crosses itself": (
        areas(EAST | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}),
        "areas/districts.geojson:2: the area of `990102`: Self-intersection",
    ),
    "area in metres": (
        areas(box("990102", 0, 0, 40_000, 30_000)),
        "areas/districts.geojson:2: the area of `990102` is not on earth; WGS 84:",
    ),
    "district without an area": (
        both(add("regions.yaml", WEST), areas(EAST)),
        "areas/districts.geojson: no area of `990103` (西区); one",
    ),
    "areas that overlap": (
        both(add("regions.yaml", WEST), areas(EAST, box("990103", 0.9, 0, 2, 1))),
        "areas/districts.geojson:3: the areas of `990102` and `990103` overlap near 0.95",
    ),
    "areas with a gap": (
        both(add("regions.yaml", WEST), areas(CITY, EAST, box("990103", 1.1, 0, 2, 1))),
        "areas/districts.geojson: a gap in `990100` near 1.05",
    ),
    "area beyond its parent's": (
        both(add("regions.yaml", WEST), areas(CITY, EAST, box("990103", 1, 0, 2.1, 1))),
        "areas/districts.geojson:4: the area of `990103` leaves `990100` near 2.05",
    ),
    "a hole in the middle": (
        areas(
            EAST
            | {
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [
                        [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]],
                        [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]],
                    ],
                }
            }
        ),
        "areas/districts.geojson: a gap near 1.5",
    ),
}
