"""What both homes of the store must agree on: which values an index holds, what a prefix is, what a cursor says."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import orjson

from shared.store.port import BadCursor, Body, Collection, Index, Value

_TYPES = frozenset({str, int, type(None)})
_INT64 = 2**63


def index_fields(collection: Collection) -> tuple[str, ...]:
    """Every field that stands in some index, once."""
    return tuple(dict.fromkeys(field for index in collection.indexes for field in index.fields))


def index_values(body: Body, fields: Sequence[str]) -> list[Value]:
    """The values of these fields; missing is None. Raises TypeError when one is not a `Value`: a bool, a float or a
    list would sort and compare differently in the two homes."""
    values = [body.get(field) for field in fields]
    for field, value in zip(fields, values, strict=True):
        if type(value) not in _TYPES or (type(value) is int and not -_INT64 <= value < _INT64):
            raise TypeError(f"{field}={value!r:.100} cannot stand in an index: a str, a 64-bit int or None can")
    return values


def split(index: Index, prefix: Mapping[str, Value]) -> tuple[list[Value], tuple[str, ...]]:
    """The prefix's values in index order, and the fields that remain to sort by.

    Raises ValueError when the prefix does not name the index's first fields.
    """
    leading, rest = index.fields[: len(prefix)], index.fields[len(prefix) :]
    if set(leading) != set(prefix):
        raise ValueError(f"the prefix {sorted(prefix)} is not how {index.name} begins: {index.fields}")
    return index_values(dict(prefix), leading), rest


def encode_cursor(collection: Collection, index: Index, prefix: Sequence[Value], last: Sequence[Value], last_id: str) -> str:
    """A cursor that continues after the document with these sort values and this id."""
    text = orjson.dumps([_binding(collection, index, prefix), list(last), last_id])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode_cursor(collection: Collection, index: Index, prefix: Sequence[Value], cursor: str) -> tuple[list[Value], str]:
    """The sort values and the id of `encode_cursor`. Raises BadCursor for anything else than such a cursor."""
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        binding, last, last_id = orjson.loads(text)
        fields = index.fields[len(prefix) :]
        values = index_values(dict(zip(fields, last, strict=True)), fields)
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadCursor("this is not a cursor of this list") from error
    if binding != _binding(collection, index, prefix) or type(last_id) is not str:
        raise BadCursor("this cursor belongs to another list")
    return values, last_id


def _binding(collection: Collection, index: Index, prefix: Sequence[Value]) -> str:
    text = orjson.dumps([collection.name, index.name, index.fields, list(prefix)])
    return blake2b(text, digest_size=8).hexdigest()
