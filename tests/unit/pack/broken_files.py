"""Files of a pack that cannot be read, or have not the shape they should have: how, and what the author then reads."""

import shutil

from tests.unit.pack.breaking import HOUSING, ROUTES, Break, add, both, put, swap

UNREADABLE: dict[str, tuple[Break, str]] = {
    # reading
    "syntax": (
        swap("pack.yaml", "title: {zh", "title: {{zh"),
        "pack.yaml:3: not YAML: did not find expected ',' or '}' (while parsing a flow mapping, line 2);",
    ),
    "forbidden character": (
        add("channels.yaml", "# \x01\n"),
        "channels.yaml:3: not YAML: control characters are not allowed;",
    ),
    "two documents": (
        add("clocks.yaml", "---\n- a\n"),
        "clocks.yaml:11: not YAML: but found another document (expected a single document in the stream, line 1);",
    ),
    "field twice": (
        add("pack.yaml", "name: again\n"),
        "pack.yaml:7: field `name` a second time (YAML would forget the first); keep one of them",
    ),
    "alias": (
        both(swap("pack.yaml", "{zh: 小城", "{zh: &t 小城"), add("pack.yaml", "language: *t\n")),
        "pack.yaml:7: a YAML alias (`*name`); write the value out here",
    ),
    "unreadable scalar": (
        swap("pack.yaml", '"1"', "2026-13-45"),
        "pack.yaml:3: `2026-13-45` cannot be read: month must be in 1..12; put texts in quotes",
    ),
    "strange field name": (
        add("pack.yaml", "? [a]\n: b\n"),
        "pack.yaml:7: a field whose name is a list or a mapping; quote texts that begin with `[`, `{` or `?`",
    ),
    "not UTF-8": (
        put("channels.yaml", "\n- code: 热线".encode("gbk")),
        "channels.yaml:2: byte 0xc8 is not UTF-8; save the file as UTF-8",
    ),
    "folder without files": (
        lambda pack: pack.delete(ROUTES),
        "routes: no *.yaml file in it; at least one",
    ),
    "file missing": (
        lambda pack: pack.delete("clocks.yaml"),
        "clocks.yaml: the file is missing; every pack has this file",
    ),
    "folder missing": (
        lambda pack: shutil.rmtree(pack.path / "routes"),
        "routes: the folder is missing; a folder with *.yaml files",
    ),
    "examples missing": (
        lambda pack: shutil.rmtree(pack.path / "examples"),
        "examples: the folder is missing; a folder with *.jsonl files",
    ),
    # shape
    "number for text": (
        swap("pack.yaml", '"990100"', "990100"),
        "pack.yaml:4: `region` is `990100`; text (quote it if YAML takes it for a number, a time or a date)",
    ),
    "time for text": (
        swap("departments.yaml", "{zh: 班长岗}", "{zh: 班长岗}, hours: 18:30"),
        "departments.yaml:18: `hours` is `18:30`; text (quote it if YAML takes it for a number, a time or a date)",
    ),
    "list for mapping": (
        put("pack.yaml", "- a\n"),
        "pack.yaml:1: the file is a list; a mapping: `field: value`",
    ),
    "mapping for list": (
        put("clocks.yaml", "code: a\n"),
        "clocks.yaml:1: the file is a mapping; a list: `[a, b]` or one `- a` a line",
    ),
    "empty file": (
        put("channels.yaml", ""),
        "channels.yaml:1: the file is empty; a list: `[a, b]` or one `- a` a line",
    ),
    "text for list": (
        swap(ROUTES, "[housing.lift]", "housing.lift"),
        "routes/01-housing.yaml:7: `category` is `housing.lift`; a list: `[a, b]` or one `- a` a line",
    ),
    "bad number": (
        swap("clocks.yaml", "accept_hours: 2\n", "accept_hours: soon\n"),
        "clocks.yaml:4: `accept_hours` is `soon`; a number",
    ),
    "number too small": (
        swap("clocks.yaml", "resolve_days: 15", "resolve_days: 0"),
        "clocks.yaml:10: `resolve_days` is `0`; it should be greater than 0",
    ),
    "outside vocabulary": (
        swap("clocks.yaml", "[urgent]", "[urgnt]"),
        "clocks.yaml:3: `urgency` is `urgnt`; did you mean `urgent`?",
    ),
    "level nobody knows": (
        swap("regions.yaml", "level: district", "level: x"),
        "regions.yaml:7: `level` is `x`; one of city, community, county, district, street",
    ),
    "bad code": (
        add("channels.yaml", "- {code: Web!, name: {en: Web}}\n"),
        "channels.yaml:3: `code` is `Web!`; lower-case letters, digits and dashes",
    ),
    "missing field": (
        swap("pack.yaml", "test_desk: test-desk\n", ""),
        "pack.yaml:1: `test_desk` is missing; `test_desk: …` is needed here",
    ),
    "misspelt field": (
        swap("pack.yaml", "catch_all:", "cach_all:"),
        "pack.yaml:5: unknown field `cach_all`; did you mean `catch_all`?",
    ),
    "misspelt optional field": (
        swap("regions.yaml", "places:", "place:"),
        "regions.yaml:9: unknown field `place`; did you mean `places`?",
    ),
    "field nobody reads": (
        add("channels.yaml", "  zzz: 1\n"),
        "channels.yaml:3: unknown field `zzz`; one of carries, clock, code, languages, limits, name, retired",
    ),
    "comma in a text": (
        swap(HOUSING, "en: Estates}", "en: Estates, flats and yards}"),
        "categories/01-housing.yaml:5: unknown field `flats and yards`;",
    ),
    "name says nothing": (
        swap("channels.yaml", "{zh: 热线, en: Hotline}", "{}"),
        "channels.yaml:2: `name` says nothing; `name: {zh: …, en: …}`, in one language at least",
    ),
}
