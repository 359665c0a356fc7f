"""What no log takes, whichever it is: found out before anything of a batch is sent."""

from collections.abc import Sequence

from shared.errors import RecordRefused
from shared.log.port import MAX_RECORD_BYTES, Record


def record_bytes(record: Record) -> int:
    """The size that counts against `MAX_RECORD_BYTES`: key, value and headers in UTF-8 bytes.

    Raises `UnicodeEncodeError` when the key or a header is no valid text (a lone surrogate).
    """
    headers = sum(len(name.encode()) + len(text.encode()) for name, text in record.headers.items())
    return len(record.key.encode()) + len(record.value) + headers


def refuse_what_never_fits(records: Sequence[Record]) -> None:
    """Raise `RecordRefused` for all records of the batch that are too large or have a key or header that is no text."""
    if refused := {index: fault for index, record in enumerate(records) if (fault := _fault(record))}:
        raise RecordRefused(refused)


def _fault(record: Record) -> str | None:
    try:
        size = record_bytes(record)
    except UnicodeEncodeError as error:
        return f"key or header is not valid text: {error.reason}"
    return f"{size} bytes with headers, the limit is {MAX_RECORD_BYTES}" if size > MAX_RECORD_BYTES else None
