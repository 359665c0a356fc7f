"""A pack with every optional part, and the services' view of it."""

from datetime import date
from pathlib import Path

import pytest

from shared.pack.load import check_pack, load_pack
from tests.support.packs import PackFolder
from tests.unit.pack.broken_desks import CALENDAR, CROSSWALK, MATTER, MATTERS, WALK
from tests.unit.pack.broken_places import AREAS, CITY, EAST, GAZETTEER, OLD, WEST, areas, box, region

DEPARTMENT_MORE = """\
  powers: [{zh: 受理}, {zh: 转办}]
  not_ours: [{what: {zh: 房屋问题}, function: housing}]
  units: [{code: shift, name: {zh: 值班组}, duties: {zh: 接听}, units: [{code: night, name: {zh: 夜班}}]}]
  supervisor: city-hotline
"""


@pytest.fixture
def pack(tmp_path: Path) -> PackFolder:
    folder = PackFolder(tmp_path / "whole")
    folder.append("regions.yaml", '  former: [{name: 东乡, until: "1990-01-01"}]\n' + OLD + WEST + region("990102001", "一街"))
    folder.append("departments.yaml", DEPARTMENT_MORE)
    folder.append("channels.yaml", "  limits: {text_chars: 500, per_minute: 60, attachments: 0}\n")
    folder.replace("clocks.yaml", "resolve_days: 15", "resolve_days: 15\n  first_day: next_workday\n  days: workdays")
    folder.write(GAZETTEER, '- {name: 长河, kind: river, regions: ["990102001", "990103"], aliases: [大河]}\n')
    folder.write(
        CALENDAR,
        "years:\n  2026:\n    holidays: [{name: {zh: 劳动节}, from: 2026-05-01, to: 2026-05-05}]\n    workdays: [2026-05-09]\n"
        "  2027: {own: true}\n",
    )
    folder.write(MATTERS, MATTER)
    folder.write(CROSSWALK, WALK)
    folder.write("returns.yaml", "- {code: not-ours, name: {zh: 非本部门职责}, needs: function, explains: {zh: 请写明归谁}}\n")
    folder.write("replies.yaml", "- {code: thanks, name: {zh: 致谢}, kind: [praise], text: {zh: 谢谢您}}\n")
    areas(CITY, EAST, box("990103", 1, 0, 2, 1))(folder)
    return folder


def test_every_part_is_read(pack: PackFolder) -> None:
    report = check_pack(pack.path)
    assert report.mistakes == []
    assert [(Path(one.file).name, one.found[:12]) for one in report.warnings] == [
        ("01-housing.yaml", "function `ho")
    ]  # 西区 has none
    good = load_pack(pack.path)
    assert [place.aliases for place in good.gazetteer] == [("大河",)]
    assert not good.calendar.is_workday(date(2026, 5, 4))
    assert good.calendar.years[2027].own
    assert [(matter.code, matter.for_, len(matter.items)) for matter in good.matters] == [("flat", "person", 2)]
    assert good.matters[0].items[1].papers[0].on_file
    assert [reason.needs for reason in good.returns] == ["function"]
    assert [reply.kind for reply in good.replies] == [("praise",)]
    assert good.crosswalks[0].codes[0].ours == ("housing.lift",)
    assert good.channels[0].limits.per_minute == 60
    assert good.departments[-1].units[0].units[0].code == "night"


def test_departments_may_be_a_folder(pack: PackFolder) -> None:
    whole = load_pack(pack.path)
    text = (pack.path / "departments.yaml").read_text("utf-8")
    first, rest = text.split("- code: city-hotline")
    pack.delete("departments.yaml")
    pack.write("departments/1.yaml", first)
    pack.write("departments/2.yaml", "- code: city-hotline" + rest)
    assert load_pack(pack.path) == whole


def test_areas_are_nothing_to_a_service(pack: PackFolder) -> None:
    pack.write(AREAS, "{")
    load_pack(pack.path)
    assert len(check_pack(pack.path).mistakes) == 1


def test_a_small_pack_stays_small(tmp_path: Path) -> None:
    good = load_pack(PackFolder(tmp_path / "small").path)
    assert (good.gazetteer, good.matters, good.returns, good.replies, good.crosswalks) == ((), (), (), (), ())
