"""Identifiers. Those that are indexed begin with a time part, so that an index grows at one end.

A derived identifier is a function of what it is derived from: whoever derives it again gets the same one, and the
repeat is recognised (DESIGN "Identity").
"""

import os
import threading

import uuid_utils

_CASES = uuid_utils.UUID("7f3f5b0a-0d6e-5c55-9a44-5d3b0f6a9d01")
_EVENTS = uuid_utils.UUID("7f3f5b0a-0d6e-5c55-9a44-5d3b0f6a9d02")
_DRAWN = 4096


class _Drawn(threading.local):
    """Random bytes that a thread has drawn and not used yet. (Processes are spawned here, never forked: none shares them.)"""

    rest = b""


_drawn = _Drawn()


def random_bytes(count: int) -> bytes:
    """`count` (up to some hundred) bytes from the system's generator, none given out twice.

    Drawn in advance: asking the system gives up the interpreter's lock, which a busy event loop then keeps for milliseconds.
    """
    if len(_drawn.rest) < count:
        _drawn.rest = os.urandom(_DRAWN)
    given, _drawn.rest = _drawn.rest[:count], _drawn.rest[count:]
    return given


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562). Its time part is for locality only; nothing may order by it."""
    return str(uuid_utils.uuid7())


def case_id(message_id: str) -> str:
    """The one case of a message. Keeps the message id's time part, so that cases index as messages do."""
    return message_id[:13] + str(uuid_utils.uuid5(_CASES, message_id))[13:]


def event_id(source_event_id: str, event_type: str) -> str:
    """The id of the event of `event_type` that `source_event_id` gives rise to."""
    return str(uuid_utils.uuid5(_EVENTS, f"{source_event_id}/{event_type}"))
