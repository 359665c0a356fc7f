"""A pack with mistakes never reaches a service, and its authors learn of all of them at once."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from shared.pack.load import BadPack, Mistake, check_pack, load_pack, read_examples
from tests.support.packs import PackFolder
from tests.support.timing import shortest
from tests.unit.pack import broken, broken_desks, broken_examples, broken_places
from tests.unit.pack.breaking import EXAMPLES, HOUSING, ROUTES, example
from tools.pack import app

BROKEN = broken.BROKEN | broken_places.BROKEN | broken_desks.BROKEN | broken_examples.BROKEN
DOUBTFUL = broken.DOUBTFUL | broken_desks.DOUBTFUL | broken_examples.DOUBTFUL
CITIES = Path(__file__).parents[3] / "packs"


@pytest.fixture
def pack(tmp_path: Path) -> PackFolder:
    return PackFolder(tmp_path / "small")


def said(found: list[Mistake], pack: PackFolder) -> list[str]:
    """What an author reads who stands in the pack's folder."""
    return [str(mistake).replace(f"{pack.path.as_posix()}/", "") for mistake in found]


def test_a_good_pack_loads(pack: PackFolder) -> None:
    good = load_pack(str(pack.path))
    assert good.city.title.zh == "小城"
    assert list(good.category_by_code) == ["housing", "housing.property", "housing.lift"]
    assert [route.name for route in good.routes] == ["property", "lift"]
    assert good.clocks[-1].code == "standard"


def test_a_good_pack_has_neither_mistakes_nor_warnings(pack: PackFolder) -> None:
    report = check_pack(pack.path)
    assert (report.mistakes, report.warnings) == ([], [])
    assert (report.pack, len(report.examples)) == (load_pack(pack.path), 12)
    assert read_examples(pack.path) == list(report.examples)


@pytest.mark.parametrize("case", BROKEN)
def test_a_mistake_is_found_once_with_its_place(pack: PackFolder, case: str) -> None:
    break_it, expected = BROKEN[case]
    break_it(pack)
    [line] = said(check_pack(pack.path).mistakes, pack)
    assert line.startswith(expected)
    assert "\n" not in line


@pytest.mark.parametrize("case", DOUBTFUL)
def test_a_doubt_is_a_warning_and_the_pack_loads(pack: PackFolder, case: str) -> None:
    break_it, expected = DOUBTFUL[case]
    break_it(pack)
    report = check_pack(pack.path)
    [line] = said(report.warnings, pack)
    assert line.startswith(expected)
    assert report.mistakes == []
    assert load_pack(pack.path) == report.pack


def test_every_mistake_is_named_in_one_run(pack: PackFolder) -> None:
    pack.replace("pack.yaml", "catch_all:", "cach_all:")
    pack.replace("regions.yaml", 'parent: "990100"', 'parent: "990900"')
    pack.replace("clocks.yaml", "[urgent]", "[urgnt]")
    pack.replace(HOUSING, "function: housing\n    level", "function: housin\n    level")
    pack.replace(ROUTES, "city-housing", "city-housin")
    with pytest.raises(BadPack) as caught:
        load_pack(pack.path)
    assert [line.split(";")[0] for line in said(caught.value.mistakes, pack)] == [
        "categories/01-housing.yaml:6: unknown function `housin`",
        "clocks.yaml:3: `urgency` is `urgnt`",
        "pack.yaml:5: unknown field `cach_all`",
        "regions.yaml:8: unknown region `990900`",
        "routes/01-housing.yaml:8: unknown department `city-housin`",
    ]
    assert str(caught.value).splitlines() == [str(mistake) for mistake in caught.value.mistakes]
    assert caught.value.slug == "bad-pack"


def test_a_mistake_reads_as_a_place_a_finding_and_a_remedy() -> None:
    mistake = Mistake("packs/x/routes/01-housing.yaml", 12, "unknown function `gaz`", "did you mean `gas`?")
    assert str(mistake) == "packs/x/routes/01-housing.yaml:12: unknown function `gaz`; did you mean `gas`?"


@pytest.mark.parametrize("name", ["departments.yaml", "regions.yaml", HOUSING, "clocks.yaml"])
def test_a_file_that_cannot_be_read_makes_no_other_code_unknown(pack: PackFolder, name: str) -> None:
    pack.append(name, "'")
    report = check_pack(pack.path)
    assert [Path(mistake.file).name for mistake in report.mistakes] == [Path(name).name]
    assert report.warnings == []


def test_a_circle_of_three_is_named_once(pack: PackFolder) -> None:
    ring = {"990103": "990104", "990104": "990105", "990105": "990103"}
    for code, parent in ring.items():
        pack.append("regions.yaml", f'- {{code: "{code}", name: {{en: R{code}}}, level: district, parent: "{parent}"}}\n')
    [mistake] = check_pack(pack.path).mistakes
    assert mistake.found == "regions in a circle: 990103 → 990104 → 990105 → 990103"


def test_an_alias_of_itself_ends(pack: PackFolder) -> None:
    pack.write("clocks.yaml", "&a [*a]\n")
    assert any("alias" in mistake.found for mistake in check_pack(pack.path).mistakes)


def test_retired_codes_stay_without_routes_examples_or_names_of_their_own(pack: PackFolder) -> None:
    pack.append(
        HOUSING, "  - {code: housing.old, name: {zh: 物业}, retired: true, children: [{code: housing.old.er, name: {zh: 旧}}]}\n"
    )
    assert check_pack(pack.path).mistakes == check_pack(pack.path).warnings == []
    pack.append(EXAMPLES, example(category="housing.old.er"))
    [mistake] = check_pack(pack.path).mistakes
    assert mistake.found == "an example of the retired category `housing.old.er`"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(pack: PackFolder) -> None:
    for name in ("pack.yaml", EXAMPLES):
        text = (pack.path / name).read_text("utf-8")
        pack.write(name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert check_pack(pack.path).mistakes == []


def test_a_service_does_not_read_the_examples(pack: PackFolder) -> None:
    pack.write(EXAMPLES, "{oops")
    assert load_pack(pack.path).city.name == "small"
    with pytest.raises(BadPack, match="not JSON"):
        read_examples(pack.path)


def test_a_missing_folder_is_one_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadPack, match="no such folder") as caught:
        load_pack(tmp_path / "nowhere")
    assert len(caught.value.mistakes) == 1
    assert check_pack(tmp_path / "nowhere").mistakes == caught.value.mistakes


def test_the_command_says_what_a_good_pack_holds(pack: PackFolder) -> None:
    result = CliRunner().invoke(app, ["check", str(pack.path)])
    assert result.exit_code == 0
    counts = "2 regions, 4 departments, 1 channel, 2 routes, 2 clocks, 3 categories (2 leaves), 12 examples, 0 warnings"
    assert result.output == f"small 1 is good: {counts}\n"


def test_the_command_names_mistakes_and_warnings_and_fails(pack: PackFolder) -> None:
    pack.append("pack.yaml", "nmae: small\n")
    pack.write("routes/notes.txt", "")
    result = CliRunner().invoke(app, ["check", str(pack.path)])
    assert result.exit_code == 1
    mistake, warning, last = result.output.splitlines()
    assert mistake == f"{pack.path}/pack.yaml:7: unknown field `nmae`; did you mean `name`?"
    assert warning.startswith(f"warning: {pack.path}/routes/notes.txt: nobody reads this")
    assert last == "1 mistake, 1 warning"


@pytest.mark.parametrize("name", ["qingting", "larkhaven"])
def test_the_cities_have_neither_mistakes_nor_warnings(name: str) -> None:
    report = check_pack(CITIES / name)
    assert [str(one) for one in (*report.mistakes, *report.warnings)] == []


def test_a_city_loads_little_slower_than_its_files_are_parsed() -> None:
    def parse() -> None:
        for file in CITIES.glob("qingting/**/*.yaml"):
            yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)

    assert shortest(lambda: load_pack(CITIES / "qingting")) < 5 * shortest(parse)


def test_a_service_opens_no_library_that_only_the_check_needs(pack: PackFolder) -> None:
    heavy = "{'numpy', 'scipy', 'sklearn', 'shapely', 'holidays'}"
    program = f"import sys, shared.pack.load; shared.pack.load.load_pack(sys.argv[1]); sys.exit(bool({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", program, str(pack.path)], check=False).returncode == 0
