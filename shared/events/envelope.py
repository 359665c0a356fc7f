"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the value is the data as JSON.

The extensions are `sequence` (the event's number in its case, contiguous from 1) and `packversion` (the pack whose
codes the data uses).
"""

from typing import Any, NamedTuple

import orjson

from shared.errors import BadRecord
from shared.log.port import Received, Record

_SPEC = "1.0"
_DIGITS = 18
_REQUIRED = ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")


class Event(NamedTuple):
    """Something that happened to `subject` (a message or a case)."""

    id: str
    type: str
    source: str
    """The service that says so: `/services/intake`."""
    subject: str
    """The message's or the case's id; also the record's key, so that one subject's events stay in order."""
    time: str
    """RFC 3339."""
    data: dict[str, Any]
    sequence: int | None = None
    pack_version: str | None = None
    traceparent: str | None = None


def to_record(event: Event, topic: str) -> Record:
    """The event as a record for this topic."""
    headers = {
        "ce_specversion": _SPEC,
        "ce_id": event.id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_subject": event.subject,
        "ce_time": event.time,
        "ce_dataschema": f"urn:yijian:schema:{event.type}",
        "content-type": "application/json",
    }
    optional = {"ce_sequence": event.sequence, "ce_packversion": event.pack_version, "traceparent": event.traceparent}
    headers.update({name: str(value) for name, value in optional.items() if value is not None})
    return Record(topic, event.subject, orjson.dumps(event.data), headers)


def from_record(received: Received) -> Event:
    """The record as an event. Raises `BadRecord` when it is not a CloudEvent with a JSON object as its data."""
    headers = received.headers
    missing = [name for name in _REQUIRED if not headers.get(name)]
    if missing:
        raise BadRecord(f"no CloudEvent: the header {', '.join(missing)} is missing")
    if headers.get("ce_specversion") != _SPEC:
        raise BadRecord(f"CloudEvents version {headers.get('ce_specversion')!r} is not {_SPEC!r}")
    return Event(
        id=headers["ce_id"],
        type=headers["ce_type"],
        source=headers["ce_source"],
        subject=headers["ce_subject"],
        time=headers["ce_time"],
        data=_data(received.value),
        sequence=_sequence(headers.get("ce_sequence")),
        pack_version=headers.get("ce_packversion"),
        traceparent=headers.get("traceparent"),
    )


def _data(value: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"the data is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadRecord(f"the data is a JSON {type(data).__name__}, not an object")
    return data


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > _DIGITS or int(text) < 1:
        raise BadRecord(f"the sequence {text[:40]!r} is not a whole number from 1")
    return int(text)
