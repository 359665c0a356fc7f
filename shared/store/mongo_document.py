"""How a document lies in MongoDB, and how an index position becomes a query. Knows BSON, talks to no server.

    {_id, v: version, seq, pub, pending, keys: […], tail: […], body: {…}, w: [tokens of the last writes]}

`keys` is absent when there are none (the unique index is sparse). What JSON can say and BSON cannot (names with NUL or
a leading $, integers beyond 64 bits) lies in `json`, and then `body` has the indexed fields only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import bson
import orjson
from bson import Int64
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.errors import InvalidDocument

from shared.store.indexing import index_values
from shared.store.port import Document, Value

Raw: TypeAlias = dict[str, Any]


class _PlainInt(TypeDecoder):
    """Integers are ints, whatever their size."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


CODEC: CodecOptions[Raw] = CodecOptions(type_registry=TypeRegistry([_PlainInt()]))


def encode(document: Document, fields: Sequence[str]) -> tuple[Raw, Raw]:
    """What to set and what to unset when this document is written. Raises TypeError for what is no JSON or cannot
    stand in an index."""
    values = index_values(document.body, fields)
    content: Raw = {"body": document.body, "tail": document.tail}
    if not _fits_bson(content):
        content = {"body": dict(zip(fields, values, strict=True)), "tail": [], "json": orjson.dumps(content)}
    written = {"seq": document.sequence, **content}
    if document.keys:
        written["keys"] = list(dict.fromkeys(document.keys))
    return written, {name: "" for name in ("keys", "json") if name not in written}


def decode(raw: Raw) -> Document:
    """The document that lies there."""
    content = orjson.loads(raw["json"]) if "json" in raw else raw
    return Document(raw["_id"], content["body"], tuple(raw.get("keys", ())), content["tail"], raw["seq"], raw["pub"], raw["v"])


def where(prefix: Mapping[str, Value]) -> Raw:
    """Documents with these values; None also stands for missing."""
    return {f"body.{field}": value for field, value in prefix.items()}


def beyond(fields: Sequence[str], values: Sequence[Value], last_id: str, *, descending: bool) -> list[Raw]:
    """Documents that come after this position of an index: its ranges, in the order in which they lie.

    One query for each, since a server may answer a single `$or` of them by reading the whole collection."""
    names = [f"body.{field}" for field in fields]
    ranges: list[Raw] = [{**dict(zip(names, values, strict=True)), "_id": {"$lt" if descending else "$gt": last_id}}]
    for place in reversed(range(len(names))):
        same = dict(zip(names[:place], values[:place], strict=True))
        conditions = _below(values[place]) if descending else _above(values[place])
        ranges += [{**same, names[place]: condition} for condition in conditions]
    return ranges


_NUMBERS = {"$gte": -(2**63)}
_STRINGS = {"$gte": ""}
"""Comparisons stay within one type, but an index runs over None, then numbers, then strings."""


def _above(value: Value) -> list[Any]:
    if value is None:
        return [_NUMBERS, _STRINGS]
    return [{"$gt": value}] if isinstance(value, str) else [{"$gt": value}, _STRINGS]


def _below(value: Value) -> list[Any]:
    if value is None:
        return []
    return [{"$lt": value}, None] if isinstance(value, int) else [{"$lt": value}, _NUMBERS, None]


def _fits_bson(content: Raw) -> bool:
    text = orjson.dumps(content)
    if b'"$' in text or b"\\u0000" in text:
        return False
    try:
        bson.encode(content)
    except (InvalidDocument, OverflowError):
        return False
    return True
