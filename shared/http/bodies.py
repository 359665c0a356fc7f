"""Bodies of requests: how long one is said to be, and how long it may become."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Message, Receive

from shared.http import problems
from shared.http.problems import Problem

MAX_BODY_BYTES = 10 * 1024 * 1024
"""The largest body any route takes; a route may take less."""


def declared(scope: Mapping[str, Any]) -> int:
    """The body's length as its sender says, known before it is read; 0 where nobody says it."""
    length: bytes = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


def undeclared(scope: Mapping[str, Any]) -> int:
    """Room for a body of which nobody says how long it will be."""
    return MAX_BODY_BYTES if any(name == b"transfer-encoding" for name, _ in scope["headers"]) else 0


def limited(receive: Receive) -> Receive:
    """The same, but raises a 413 problem when more than the limit has arrived."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        refuse_too_large(received)
        return message

    return limited


def refuse_too_large(octets: int) -> None:
    """Raise a 413 problem for a body of this length, if it is over the limit."""
    if octets > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES, "The body")


def too_large(limit: int, what: str) -> Problem:
    """A 413 that names the limit in bytes."""
    detail = f"{what} is larger than {limit:,} bytes. Shorten it, or send attachments by reference."
    return Problem(413, "too-large", detail, errors=[problems.fault("", detail)], limit_bytes=limit)
