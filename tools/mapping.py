"""From a file's columns to the fields of a message, by usual names or as the caller says. Pure: no I/O."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import BadSettings
from shared.pack.mistakes import instead
from tools.rows import Row

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "body", "content", "message", "description",
        "留言详情", "留言内容", "诉求内容", "来信内容", "反映内容", "内容", "正文",
    ),
    "title": ("title", "subject", "留言主题", "留言标题", "诉求标题", "标题", "主题"),
    "external_id": ("external_id", "id", "number", "ticket", "留言编号", "诉求编号", "工单编号", "工单号", "编号"),
    "submitted_at": (
        "submitted_at", "time", "date", "created", "created_at", "timestamp",
        "留言时间", "诉求时间", "来电时间", "提交时间", "登记时间", "时间", "日期",
    ),
    "citizen.account": ("citizen.account", "account", "user", "username", "user_id", "留言用户", "用户", "账号"),
    "citizen.name": ("citizen.name", "name", "姓名", "诉求人", "来电人", "联系人"),
    "citizen.phone": ("citizen.phone", "phone", "mobile", "telephone", "电话", "手机", "联系电话", "手机号", "来电号码"),
    "citizen.email": ("citizen.email", "email", "e-mail", "邮箱"),
    "citizen.resident_id": ("citizen.resident_id", "resident_id", "身份证号", "身份证"),
    "citizen.kind": ("citizen.kind",),
    "citizen.anonymous": ("citizen.anonymous", "anonymous", "匿名", "是否匿名"),
    "citizen.confidential": ("citizen.confidential", "confidential", "保密", "是否保密"),
    "place.address": ("place.address", "address", "location", "地址", "事发地址", "诉求地址", "地点"),
    "place.region": ("place.region", "region", "行政区划", "区划代码"),
    "place.lon": ("place.lon", "lon", "lng", "longitude", "经度"),
    "place.lat": ("place.lat", "lat", "latitude", "纬度"),
    "channel": ("channel",),
    "category": ("category", "分类", "事项分类"),
    "language": ("language", "lang", "语言"),
    "revision": ("revision",),
}  # fmt: skip
"""Every field of a message that a column can fill, with the names by which columns usually carry it."""
_PARTS = ("citizen", "place", "extra")
_MOMENT = re.compile(
    r"\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:：时]\s*(\d{1,2})(?:\s*[:：分]\s*(\d{1,2})(?:\.\d+)?\s*秒?|分)?)?\s*"
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_TRUTHS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是"), True),
    **dict.fromkeys(("0", "false", "no", "n", "否"), False),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows become messages."""

    explicit: Mapping[str, str]
    """Column by field, as the caller says; the usual names serve for every other field."""
    zone: tzinfo | None = None
    """Of times that name none; None leaves those as they are."""
    channel: str | None = None
    """For rows that name none."""

    def message(self, row: Row) -> dict[str, Any]:
        """The row as a channel system would post it; what no field takes goes to `extra`."""
        columns = resolve(tuple(row.values), tuple(self.explicit.items()))
        message: dict[str, Any] = {}
        for column, value in row.values.items():
            if not _is_blank(value):
                self._place(message, column, columns.get(column), value)
        message.setdefault("text", "")
        message.setdefault("external_id", _given_id(row))
        if self.channel:
            message.setdefault("channel", self.channel)
        return message

    def _place(self, message: dict[str, Any], column: str, field: str | None, value: Any) -> None:
        if field is None and column in _PARTS and isinstance(value, dict):
            message.setdefault(column, {}).update(value)
            return
        converted = _converted(field, value, self.zone) if field else None
        if field is None or converted is None:
            message.setdefault("extra", {})[column] = _plain(value)
            return
        part, _, name = field.rpartition(".")
        (message.setdefault(part, {}) if part else message)[name] = converted


@lru_cache(maxsize=256)
def resolve(columns: tuple[str, ...], explicit: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Field by column: what the caller says, then usual names, a field's first names first."""
    found = {column: field for field, column in explicit if column in columns}
    taken = {field for field, _ in explicit}
    by_name = {_normal(column): column for column in reversed(columns) if column not in found}
    for field, names in USUAL_NAMES.items():
        column = next((by_name[name] for name in names if name in by_name), None)
        if field not in taken and column is not None and column not in found:
            found[column] = field
    return found


def check_columns(columns: Sequence[str], explicit: Mapping[str, str]) -> None:
    """Raises `BadSettings` when a column of the map does not exist, or when no column is known to hold the text."""
    listed = ", ".join(columns)
    for field, column in explicit.items():
        if column not in columns:
            raise BadSettings(f"--map {field}={column}: there is no such column; there are: {listed}")
    if "text" not in resolve(tuple(columns), tuple(explicit.items())).values():
        raise BadSettings(f"which column holds the text? Say it with --map text=COLUMN; there are: {listed}")


def parse_map(text: str) -> dict[str, str]:
    """`text=body,title=subject` → column by field. Raises `BadSettings` for an unknown field."""
    pairs: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (part.strip() for part in item.partition("="))
        if not equals or not column:
            raise BadSettings(f"--map {item!r}: write field=column, such as text=body")
        if field not in USUAL_NAMES:
            raise BadSettings(
                f"--map {item!r}: there is no field {field!r}; {instead(field, USUAL_NAMES, 'see `yijian replay --help`')}"
            )
        pairs[field] = column
    return pairs


def parse_zone(text: str) -> tzinfo:
    """`+08:00`, `Z` or a name such as `Asia/Shanghai`. Raises `BadSettings`."""
    if text in {"Z", "UTC"}:
        return UTC
    offset = _OFFSET.fullmatch(text)
    try:
        return timezone(_minutes(offset)) if offset else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSettings(f"--zone {text!r}: write an offset such as +08:00, or a name such as Asia/Shanghai") from None


def _minutes(offset: re.Match[str]) -> timedelta:
    sign, hours, minutes = offset.groups()
    return timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)


def moment(value: Any, zone: tzinfo | None) -> str:
    """RFC 3339 where the time can be read; otherwise as it was, for intake to keep and flag."""
    found = value if isinstance(value, datetime) else _read_moment(value)
    if found is None:
        return str(value)
    if found.tzinfo is None and zone is not None:
        found = found.replace(tzinfo=zone)
    return found.isoformat() if found.tzinfo else str(value)


def _read_moment(value: Any) -> datetime | None:
    if isinstance(value, date):
        return datetime.combine(value, time())
    text = str(value).strip()
    match = _MOMENT.fullmatch(text)
    try:
        if match:
            return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - the zone follows
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _converted(field: str, value: Any, zone: tzinfo | None) -> Any:
    """The value as its field wants it; None when it cannot be read so."""
    convert: Callable[[Any], Any] = _CONVERSIONS.get(field, _plain)
    return moment(value, zone) if field == "submitted_at" else convert(value)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _truth(value: Any) -> bool | None:
    return _TRUTHS.get(str(value).strip().lower())


def _words(value: Any) -> str:
    return str(_plain(value))


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "text": _words,
    "revision": _whole,
    "place.lon": _number,
    "place.lat": _number,
    "citizen.anonymous": _truth,
    "citizen.confidential": _truth,
}


def _plain(value: Any) -> Any:
    """As JSON can hold it; a whole number that a spreadsheet keeps as 188006.0 is 188006 again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | int | float | dict | list):
        return value
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _normal(column: str) -> str:
    return column.strip().lower().replace(" ", "_")


def _given_id(row: Row) -> str:
    """An id for a row that has none, the same at every replay of the file: no replay makes a second case.

    The row's number is part of it, since two citizens may say the same thing in the same words.
    """
    content = json.dumps([row.number, row.values], ensure_ascii=False, default=str)
    return f"row-{hashlib.sha256(content.encode(errors='surrogatepass')).hexdigest()[:24]}"
