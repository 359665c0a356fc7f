"""`yijian pack new` and `yijian pack show`: where a city's authors begin, and what they look at."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.errors import BadSettings
from shared.pack.load import check_pack
from tests.support.packs import PackFolder
from tools.pack import app
from tools.pack_new import write_starter


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments])
    return result.exit_code, result.output


def test_a_new_pack_has_a_name_and_no_mistake(tmp_path: Path) -> None:
    folder = tmp_path / "springfield"
    code, said = run("new", str(folder))
    assert (code, said.splitlines()[0].split(".")[0]) == (0, f"springfield is in {folder}")
    report = check_pack(folder)
    assert (report.mistakes, report.warnings) == ([], [])
    assert report.pack
    assert report.pack.city.name == "springfield"


def test_every_file_of_a_new_pack_says_what_it_is_for(tmp_path: Path) -> None:
    write_starter(tmp_path, "a")
    files = [path for path in tmp_path.rglob("*.yaml") if path.name != "02-water.yaml"]
    assert len(files) == 9
    assert all(path.read_text("utf-8").startswith("# ") for path in files)


@pytest.mark.parametrize("name", ["Springfield", "", "a b", "春城"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings, match="lower-case letters, digits and dashes"):
        write_starter(tmp_path / "x", name)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(BadSettings, match="is there already"):
        write_starter(tmp_path, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["pack.yaml"]


def test_a_page_shows_trees_with_counts(tmp_path: Path) -> None:
    write_starter(tmp_path, "mine")
    code, said = run("show", str(tmp_path))
    assert code == 0
    for line in (
        "样城市 Sampleton  ·  mine 1, zh, Asia/Shanghai",
        "Channels (2)",
        "Regions: 1 city, 2 districts, 1 street, 3 places",
        "河东区  990802  ·  1 street",
        "Departments (6)",
        "Categories: 6, 4 of them leaves; 48 examples (",
        "市容环卫  urban  ·  2 leaves, 24 examples",
        "垃圾清运  urban.waste  ·  12 examples",
        "2 routes, 2 clocks",
        "Calendar: 2026",
    ):
        assert line in said


def test_a_page_goes_deeper_when_asked(tmp_path: Path) -> None:
    folder = PackFolder(tmp_path / "small")
    folder.append("departments.yaml", "  units: [{code: a, name: {zh: 值班组}, units: [{code: b, name: {zh: 夜班}}]}]\n")
    assert "值班组" not in run("show", str(folder.path))[1]
    assert "夜班  b" in run("show", "--deep", str(folder.path))[1]


def test_there_is_no_page_about_a_broken_pack(tmp_path: Path) -> None:
    folder = PackFolder(tmp_path / "small")
    folder.append("pack.yaml", "nmae: small\n")
    code, said = run("show", str(folder.path))
    assert code == 1
    assert said.startswith("1 mistake, 0 warnings: yijian pack check")
