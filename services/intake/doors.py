"""The way through intake's two doors, the same for both: whose key, whether there is room, the body, and what is left."""

from collections.abc import Callable
from typing import TypeAlias

from fastapi import Request, Response

from services.intake import reading
from services.intake.admission import Pass
from services.intake.answers import Outcome
from services.intake.model import MAX_BATCH
from services.intake.reading import Posting
from services.intake.state import State, state_of
from shared.errors import Transient
from shared.http import problems
from shared.http.problems import Problem

Told: TypeAlias = Callable[[list[Outcome], State, Request], Response]
"""Makes the answer of what became of each message."""
_MARK = b'"text"'


async def through(request: Request, told: Told, *, batch: str | None = None) -> Response:
    """Take a request's messages in and answer; every answer to a known key says what is left of its limit."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "channel")
    caller = state.gate.caller(key)
    try:
        with state.gate.enter(caller, request.scope.get("declared", 0)) as held:
            given = reading.idempotency_key(request.headers.get("idempotency-key"))
            body = await _body(request, held)
            posting = Posting(body, key, given, request.headers.get("traceparent"), batch)
            outcomes = await _take(posting, state, held)
            return caller.tell(told(outcomes, state, request))
    except (Problem, Transient) as error:
        return caller.tell(problems.response_to(error))


async def _take(posting: Posting, state: State, held: Pass) -> list[Outcome]:
    if posting.batch is None:
        return await state.intake.take(posting)
    held.grow(messages=_more_than_one(posting.body))
    outcomes = await state.intake.take(posting)
    held.correct(len(outcomes))
    return outcomes


async def _body(request: Request, held: Pass) -> bytes:
    if request.scope.get("declared"):
        return await request.body()
    parts: list[bytes] = []
    async for part in request.stream():  # nobody said how long it is: room is asked for as it arrives
        held.grow(octets=len(part))
        parts.append(part)
    return b"".join(parts)


def _more_than_one(body: bytes) -> int:
    """How many messages a batch seems to hold beyond the first, without reading it; it is corrected once it is read."""
    return min(max(0, body.count(_MARK) - 1), MAX_BATCH)
