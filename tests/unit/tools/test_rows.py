from pathlib import Path

import openpyxl
import pytest

from shared.errors import BadSettings
from tools.rows import Row, open_source

TEXT = '编号,内容\n1,路灯坏了\n2,"第一行\n第二行"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(TEXT, encoding=encoding)
    with open_source(path) as source:
        assert source.columns == ["编号", "内容"]
        assert list(source.rows) == [Row(2, {"编号": "1", "内容": "路灯坏了"}), Row(3, {"编号": "2", "内容": "第一行\n第二行"})]
        assert source.done() == source.total == path.stat().st_size


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_may_have_another_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"id{delimiter}text\n1{delimiter}a, b\n")
    with open_source(path) as source:
        assert [row.values for row in source.rows] == [{"id": "1", "text": "a, b"}]


def test_a_csv_row_may_be_long_or_short_and_a_text_very_long(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"id,text\n1\n2,b,c,d\n3,{'x' * 200_000}\n")
    with open_source(path) as source:
        rows = [row.values for row in source.rows]
    assert rows[:2] == [{"id": "1", "text": None}, {"id": "2", "text": "b", "more": ["c", "d"]}]
    assert len(rows[2]["text"]) == 200_000


def test_a_file_in_no_known_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"text\n\xff\xff\xff\n")
    with pytest.raises(BadSettings, match="save it as UTF-8"), open_source(path):
        pass


def test_ndjson_is_read_line_by_line_and_a_bad_line_says_why(tmp_path: Path) -> None:
    path = tmp_path / "m.ndjson"
    path.write_bytes('\ufeff{"text":"a"}\n\n[1]\nnot json\n{"text":"b"}'.encode())
    with open_source(path) as source:
        rows = list(source.rows)
    assert [(row.number, row.values, row.fault is None) for row in rows] == [
        (1, {"text": "a"}, True),
        (3, {}, False),
        (4, {}, False),
        (5, {"text": "b"}, True),
    ]


def test_an_xlsx_is_read_below_its_header(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    book = openpyxl.Workbook()
    for line in ([None, None], ["编号", "内容"], [1, "路灯坏了"], [None, None], [2.0, "b"]):
        book.active.append(line)
    book.save(path)
    with open_source(path) as source:
        assert source.columns == ["编号", "内容"]
        assert list(source.rows) == [Row(3, {"编号": 1, "内容": "路灯坏了"}), Row(5, {"编号": 2, "内容": "b"})]


@pytest.mark.parametrize("name", ["m.xls", "m.txt", "m"])
def test_another_kind_of_file_is_refused_naming_the_kinds_that_are_not(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings, match=r"only \.csv, \.xlsx"), open_source(tmp_path / name):
        pass


def test_a_broken_xlsx_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    path.write_text("no zip")
    with pytest.raises(BadSettings, match="export it as CSV"), open_source(path):
        pass
