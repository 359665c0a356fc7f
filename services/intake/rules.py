"""What intake decides about a submission: what is refused, what is tidied, what is only flagged. Pure: no I/O.

An opinion is never refused for what it lacks. Whatever cannot be used as given (a date in a strange form, a region that
does not exist) is kept under `extra` as it came, and a flag says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.intake.model import PostedPlace, Submission
from shared import clock
from shared.http.problems import Fault, fault
from shared.pack.places import Region

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060-\u2064\u3164\u00ad]+")
_MAX_AGE = timedelta(days=366 * 30)
_MAX_AHEAD = timedelta(days=1)


class Where(NamedTuple):
    """A place, as far as it could be used: an event's `Place`, which is validated where it is read."""

    address: str | None = None
    region: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(slots=True)
class Tidied:
    """A submission with what could be used of it; the rest is in `extra`, named in `flags`."""

    title: str
    text: str
    submitted_at: str | None
    place: Where | None
    category_hint: str | None
    language: str | None
    extra: dict[str, Any]
    flags: list[str] = field(default_factory=list)


def refusal(submission: Submission) -> Fault | None:
    """Why this submission cannot be taken, or None. Only a text without anything to read is refused."""
    if not _INVISIBLE.sub("", _CONTROL.sub("", submission.text)):
        return fault("/text", "The text is empty: it holds only blanks or control characters. Send what the citizen said.")
    return None


def tidy(submission: Submission, regions: Mapping[str, Region]) -> Tidied:
    """Sort what was posted into what can be used and what is only kept; `regions` are the pack's, by code."""
    extra = dict(submission.extra) if isinstance(submission.extra, dict) else {}
    tidied = Tidied(submission.title, submission.text, None, None, None, None, extra)
    if submission.extra is not None and not isinstance(submission.extra, dict):
        _keep(tidied, "extra", submission.extra, "extra_not_an_object")
    for path, value in submission.unknown().items():
        _keep(tidied, path, value, None)
    tidied.title, tidied.text = _clean(submission.title, tidied), _clean(submission.text, tidied)
    tidied.submitted_at = _moment(submission.submitted_at, tidied)
    tidied.place = _place(submission.place, regions, tidied)
    tidied.category_hint = _hint(submission.category, "category", 500, tidied)
    tidied.language = _hint(submission.language, "language", 35, tidied)
    return tidied


def _keep(tidied: Tidied, path: str, value: Any, flag: str | None) -> None:
    name = path
    while name in tidied.extra:  # a channel's own field of that name is not overwritten
        name += "_"
    tidied.extra[name] = value
    if flag and flag not in tidied.flags:
        tidied.flags.append(flag)


def _clean(text: str, tidied: Tidied) -> str:
    cleaned, removed = _CONTROL.subn("", text)
    if removed and "control_characters_removed" not in tidied.flags:
        tidied.flags.append("control_characters_removed")
    return cleaned.strip()


def _moment(value: Any, tidied: Tidied) -> str | None:
    if value is None:
        return None
    moment = parse_moment(value)
    if moment is None:
        _keep(tidied, "submitted_at", value, "submitted_at_unreadable")
        return None
    if not -_MAX_AGE < moment - clock.now() < _MAX_AHEAD:
        _keep(tidied, "submitted_at", value, "submitted_at_implausible")
        return None
    return moment.isoformat()


def parse_moment(value: Any) -> datetime | None:
    """An RFC 3339 date and time with its zone; None for anything else (a time without a zone names no moment)."""
    if not isinstance(value, str) or len(value) < 16 or value[10:11] not in {"T", "t", " "}:
        return None
    try:
        moment = datetime.fromisoformat(value.upper().replace(" ", "T", 1))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _place(posted: PostedPlace | None, regions: Mapping[str, Region], tidied: Tidied) -> Where | None:
    if posted is None:
        return None
    region = posted.region or None
    if region and (flag := _region_flag(region, regions)):
        tidied.flags.append(flag)
    lon, lat = _coordinate(posted.lon, 180), _coordinate(posted.lat, 90)
    if (posted.lon is not None or posted.lat is not None) and (lon is None or lat is None):
        _keep(tidied, "place.lon_lat", [posted.lon, posted.lat], "coordinates_unusable")
        lon = lat = None
    return Where(_clean(posted.address, tidied) if posted.address else None, region, lon, lat)


def _region_flag(code: str, regions: Mapping[str, Region]) -> str | None:
    """What is wrong with a region's code. It is kept as given: a channel may know a code before the pack does, or use one of
    yesterday, which the router takes for what has become of it."""
    around = [regions[code[:length]] for length in (12, 9, 6) if code[:length] in regions]
    if not around:
        return "region_unknown"
    return "region_retired" if around[0].retired else None


def _coordinate(value: Any, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -limit <= value <= limit else None


def _hint(value: Any, name: str, longest: int, tidied: Tidied) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        _keep(tidied, name, value, f"{name}_unusable")
        return None
    return _clean(value, tidied) or None
