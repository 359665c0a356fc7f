from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared.errors import BadSettings
from tools.mapping import Plan, check_columns, moment, parse_map, parse_zone, resolve
from tools.rows import Row

CHINA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2019/2/28 11:25:05", "2019-02-28T11:25:05+08:00"),
        ("2019-02-28 11:25", "2019-02-28T11:25:00+08:00"),
        ("2019-02-28T11:25:05", "2019-02-28T11:25:05+08:00"),
        ("2019/2/28", "2019-02-28T00:00:00+08:00"),
        ("2019.2.28 1:05", "2019-02-28T01:05:00+08:00"),
        ("2019年2月28日 11时25分", "2019-02-28T11:25:00+08:00"),
        ("2019年2月28日11：25：05", "2019-02-28T11:25:05+08:00"),
        ("  2019/2/28 11:25:05 ", "2019-02-28T11:25:05+08:00"),
        (datetime(2019, 2, 28, 11, 25), "2019-02-28T11:25:00+08:00"),  # noqa: DTZ001 - as a spreadsheet gives it
        (date(2019, 2, 28), "2019-02-28T00:00:00+08:00"),
        ("2019-02-28T11:25:05Z", "2019-02-28T11:25:05+00:00"),
        ("2019-02-28T11:25:05+09:00", "2019-02-28T11:25:05+09:00"),
        ("2019/13/41 11:25", "2019/13/41 11:25"),
        ("yesterday", "yesterday"),
        (43524, "43524"),
    ],
)
def test_a_time_that_can_be_read_gets_its_zone_and_any_other_stays_as_it_was(value: object, expected: str) -> None:
    assert moment(value, CHINA) == expected


def test_without_a_zone_a_zoneless_time_stays_as_it_was() -> None:
    assert moment("2019/2/28 11:25:05", None) == "2019/2/28 11:25:05"


@pytest.mark.parametrize(("text", "hours"), [("+08:00", 8), ("-0330", -3.5), ("Z", 0), ("Asia/Shanghai", 8)])
def test_a_zone_is_an_offset_or_a_name(text: str, hours: float) -> None:
    assert parse_zone(text).utcoffset(datetime(2026, 1, 1)) == timedelta(hours=hours)  # noqa: DTZ001


@pytest.mark.parametrize("text", ["8", "Beijing", "+25:00", "", "../etc/passwd"])
def test_a_bad_zone_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSettings, match=r"\+08:00"):
        parse_zone(text)


def test_the_columns_of_a_message_board_are_known() -> None:
    columns = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "反对数", "点赞数")
    assert resolve(columns, ()) == {
        "留言编号": "external_id",
        "留言用户": "citizen.account",
        "留言主题": "title",
        "留言时间": "submitted_at",
        "留言详情": "text",
    }


@pytest.mark.parametrize(
    ("columns", "field", "column"),
    [
        (("ID", "Title", "Body"), "text", "Body"),
        (("诉求内容", "标题"), "text", "诉求内容"),
        (("标题", "内容"), "text", "内容"),
        (("User ID", "body"), "citizen.account", "User ID"),
    ],
)
def test_usual_names_are_known_in_both_languages(columns: tuple[str, ...], field: str, column: str) -> None:
    assert resolve(columns, ())[column] == field


def test_a_map_goes_before_usual_names_and_a_field_is_filled_once() -> None:
    assert resolve(("text", "remarks", "body"), (("text", "remarks"),)) == {"remarks": "text"}


def test_a_row_becomes_a_message_and_what_has_no_field_goes_to_extra() -> None:
    row = Row(
        2,
        {
            "留言编号": "188006",
            "留言用户": "A1",
            "留言详情": "路灯坏了",
            "留言时间": "2019/2/28 11:25:05",
            "点赞数": "3",
            "备注": " ",
        },
    )
    assert Plan({}, CHINA, "message-board").message(row) == {
        "external_id": "188006",
        "citizen": {"account": "A1"},
        "text": "路灯坏了",
        "submitted_at": "2019-02-28T11:25:05+08:00",
        "channel": "message-board",
        "extra": {"点赞数": "3"},
    }


def test_cells_are_read_as_their_fields_want_them_and_kept_when_they_cannot() -> None:
    values = {
        "id": 188006.0,
        "text": 12345,
        "anonymous": "是",
        "confidential": "perhaps",
        "lon": "120.1",
        "lat": "north",
        "revision": "2",
    }
    assert Plan({}).message(Row(2, values)) == {
        "external_id": 188006,
        "text": "12345",
        "citizen": {"anonymous": True},
        "place": {"lon": 120.1},
        "revision": 2,
        "extra": {"confidential": "perhaps", "lat": "north"},
    }


def test_parts_that_are_objects_already_stay_objects() -> None:
    values = {
        "text": "t",
        "external_id": "1",
        "citizen": {"phone": "19999000001"},
        "place": {"region": "990101"},
        "extra": {"a": 1},
        "b": 2,
    }
    expected = {name: value for name, value in values.items() if name != "b"} | {"extra": {"a": 1, "b": 2}}
    assert Plan({}).message(Row(1, values)) == expected


def test_a_row_without_an_id_gets_the_same_one_at_every_replay_and_no_other_row_has_it() -> None:
    first, again, twin = (Plan({}).message(Row(number, {"text": "t"}))["external_id"] for number in (2, 2, 3))
    assert first == again != twin


def test_a_row_without_a_text_is_posted_for_intake_to_refuse() -> None:
    assert Plan({}).message(Row(2, {"text": "  ", "title": "t"}))["text"] == ""


def test_a_map_is_read() -> None:
    assert parse_map("text=body, citizen.phone=tel") == {"text": "body", "citizen.phone": "tel"}
    assert parse_map("") == {}


@pytest.mark.parametrize(
    ("text", "advice"), [("text", "field=column"), ("text=", "field=column"), ("txt=body", "did you mean `text`")]
)
def test_a_bad_map_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(BadSettings, match=advice):
        parse_map(text)


def test_a_file_without_a_column_for_the_text_is_refused_naming_its_columns() -> None:
    with pytest.raises(BadSettings, match="--map text=COLUMN; there are: a, b"):
        check_columns(["a", "b"], {})
    with pytest.raises(BadSettings, match="no such column"):
        check_columns(["a", "text"], {"title": "c"})
    check_columns(["a", "b"], {"text": "a"})


def test_times_with_a_zone_object_keep_it() -> None:
    assert moment(datetime(2019, 2, 28, 3, 25, tzinfo=UTC), CHINA) == "2019-02-28T03:25:00+00:00"
