"""Reading a request's body: one message, a JSON array or NDJSON; every mistake with its place."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import orjson
from pydantic import ValidationError

from services.intake import rules
from services.intake.model import MAX_BATCH, Submission
from services.intake.preparing import Draft
from shared.http import problems
from shared.http.auth import Key
from shared.http.problems import Problem, fault
from shared.pack.model import Pack

_SORTED = orjson.OPT_SORT_KEYS
_MAX_DEPTH = 64
"""Objects and lists in each other. Stores and encoders have limits of their own (MongoDB's is 100), and events wrap it."""
_KEY = re.compile(r'^"?([\x21-\x7e ]{1,255}?)"?$')


class Posting(NamedTuple):
    """A request as it came in, with whose key it came."""

    body: bytes
    key: Key
    idempotency_key: str | None = None
    traceparent: str | None = None
    batch: str | None = None
    """The content type of a batch; None: the body is one message."""


def drafts(posting: Posting, pack: Pack) -> list[Draft | Problem]:
    """Every message of a request as a draft; an `Idempotency-Key` of a batch makes one for each item, by its place.

    Raises the `Problem` of a body that cannot be read at all.
    """
    key, given, trace = posting.key, posting.idempotency_key, posting.traceparent
    if posting.batch is None:
        return [draft(parse(posting.body), key, pack, idempotency_key=given, traceparent=trace)]
    return [
        draft(item, key, pack, idempotency_key=given and f"{given}#{index}", traceparent=trace)
        for index, item in enumerate(items(posting.body, posting.batch))
    ]


def parse(body: bytes) -> Any:
    """JSON of a body. Raises a 400 problem that says what is wrong with it."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _parse_leniently(body, str(error))


def _parse_leniently(body: bytes, reason: str) -> Any:
    """The standard parser lets lone surrogates through, so that their field can be named instead of the whole body."""
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise problems.not_json(reason) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def items(body: bytes, content_type: str) -> list[Any]:
    """The items of a batch; a line of NDJSON that is no JSON is a `Problem` in its place. Raises 400 and 413 problems."""
    if "ndjson" in content_type or "jsonl" in content_type or body.lstrip()[:1] != b"[":
        found = list(_lines(body))
    else:
        found = parse(body)
    if not found:
        raise Problem(400, "empty-batch", "The batch holds no message: send a JSON array or one JSON object a line (NDJSON).")
    if len(found) > MAX_BATCH:
        detail = f"The batch holds {len(found):,} messages; the limit is {MAX_BATCH:,}. Send it in parts."
        raise Problem(413, "too-many", detail, errors=[fault("", detail)], limit=MAX_BATCH)
    return found


def _lines(body: bytes) -> Iterator[Any]:
    for line in body.splitlines():
        if line.strip():
            try:
                yield parse(line)
            except Problem as problem:
                yield problem


def idempotency_key(header: str | None) -> str | None:
    """The `Idempotency-Key`, with or without its quotes (draft-ietf-httpapi-idempotency-key-header-07)."""
    if header is None:
        return None
    match = _KEY.match(header.strip())
    if not match:
        detail = "An Idempotency-Key is 1 to 255 visible ASCII characters, in double quotes."
        raise Problem(400, "bad-idempotency-key", detail, errors=[fault("header/Idempotency-Key", detail)])
    return match.group(1)


def draft(item: Any, key: Key, pack: Pack, *, idempotency_key: str | None, traceparent: str | None) -> Draft | Problem:
    """One item as a draft, or the problem that its sender has to mend."""
    if isinstance(item, Problem):
        return item
    if not isinstance(item, dict):
        detail = f"A message is a JSON object; this is a JSON {type(item).__name__}."
        return Problem(422, "invalid", detail, errors=[fault("", detail)])
    if _depth(item) > _MAX_DEPTH:
        detail = f"Objects and lists are nested too deeply: the limit is {_MAX_DEPTH} levels. Send it flatter."
        return Problem(422, "invalid", detail, errors=[fault("", detail)])
    try:
        submission = Submission.model_validate(item)
        raw = orjson.dumps(item, option=_SORTED)
    except ValidationError as error:
        return problems.invalid(error)
    except TypeError:  # what only the lenient parser lets through
        where = next(_unwritable(item, ""), "")
        detail = "This is not valid Unicode (a lone surrogate), or a number beyond 64 bits: send UTF-8, and huge numbers as text."
        return Problem(422, "invalid", f"{where}: {detail}", errors=[fault(where, detail)])
    wrong = rules.refusal(submission)
    if wrong:
        return Problem(422, "empty-text", wrong["detail"], errors=[wrong])
    channel = _channel(submission.channel, key, pack)
    if isinstance(channel, Problem):
        return channel
    return Draft(submission, channel, raw, idempotency_key, key.test, traceparent)


def _depth(value: Any) -> int:
    """How many levels it has, as far as that matters: counted level by level, since recursion has a limit too."""
    level, depth = [value], 0
    while level and depth <= _MAX_DEPTH:
        inner = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
        level, depth = [one for one in inner if isinstance(one, dict | list)], depth + 1
    return depth


def _unwritable(value: Any, path: str) -> Iterator[str]:
    """Pointers to what cannot be written as JSON."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _unwritable(inner, path + problems.pointer([name]))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unwritable(inner, f"{path}/{index}")
    else:
        try:
            orjson.dumps(value)
        except TypeError:
            yield path


def _channel(posted: str | None, key: Key, pack: Pack) -> str | Problem:
    """The channel posted, or the key's only one. A key without a scope may speak for every channel."""
    if posted is None:
        if len(key.scope) == 1:
            return key.scope[0]
        detail = f"This key allows several channels: say which one in channel: {', '.join(key.scope or pack.channel_by_code)}."
        return Problem(422, "channel-missing", detail, errors=[fault("/channel", detail)])
    known = pack.channel_by_code.get(posted)
    if known is None or known.retired:
        in_use = ", ".join(code for code, one in pack.channel_by_code.items() if not one.retired)
        detail = f"There is no channel {posted[:60]!r}. The channels are: {in_use}."
        return Problem(422, "unknown-channel", detail, errors=[fault("/channel", detail)])
    if key.scope and posted not in key.scope:
        detail = f"This key may not post to {posted!r}; it allows: {', '.join(key.scope)}."
        return Problem(403, "wrong-channel", detail, errors=[fault("/channel", detail)])
    return posted
