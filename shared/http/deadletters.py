"""The routes for dead letters, the same on every service that consumes: for operators only."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import BadRecord
from shared.http.app import json_response
from shared.http.auth import Key, Keyring
from shared.http.problems import Problem, fault
from shared.log.letters import LetterClosed, Letters, Mending, NoSuchLetter
from shared.observability import logging
from shared.store.port import BadCursor

router = APIRouter(prefix="/v1", tags=["dead letters"])
_log = logging.get(__name__)
_SECURED: dict[str, Any] = {"security": [{"key": []}]}


class Part(BaseModel):
    """What a body may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Replay(Part):
    """What to hand over in the record's place; without `data` the record as it came."""

    data: dict[str, Any] | None = Field(default=None, description="The event's data, mended; the original stays in the letter.")
    headers: dict[str, str] = Field(default={}, description="Headers to add, such as those of a CloudEvent that lacked them.")


class ReplayAll(Part):
    """Which letters."""

    reason: str = Field(min_length=1, max_length=200, description="The letters' reason, such as bad-record.")


class Discard(Part):
    """Why."""

    reason: str = Field(min_length=2, max_length=500, description="Why this will not be handled; kept with the key's name.")


@router.get("/deadletters", summary="Records that could not be handled", openapi_extra=_SECURED)
async def page(
    request: Request,
    status: Literal["dead", "replay", "replayed", "discarded"] = "dead",
    reason: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """By reason and time, without what they hold."""
    letters, _ = _asked(request)
    try:
        return json_response(await letters.page(status=status, reason=reason, limit=limit, cursor=cursor))
    except BadCursor as error:
        detail = f"{error}. Use the cursor of the last answer as it is, or begin without one."
        raise Problem(400, "bad-cursor", detail, errors=[fault("query/cursor", detail)]) from None


@router.post("/deadletters:replay", summary="Handle all dead letters of one reason again", openapi_extra=_SECURED)
async def replay_all(request: Request, which: ReplayAll) -> Response:
    """What was parked behind them follows in order."""
    letters, key = _asked(request)
    marked = await letters.replay_all(which.reason, by=key.name)
    _log.info("dead_letters_marked", reason=which.reason, count=marked, key=key.name)
    return json_response({"marked": marked}, 202)


@router.post("/deadletters/{letter_id:path}/replay", summary="Handle a dead letter again", openapi_extra=_SECURED)
async def replay(request: Request, letter_id: str, how: Replay | None = None) -> Response:
    """As it came, or mended; a mended record that this system would not understand is refused, and nothing changes."""
    letters, key = _asked(request)
    mending = Mending(how.data, how.headers) if how and how.data is not None else None
    try:
        marked = await letters.replay(letter_id, by=key.name, mending=mending)
    except BadRecord as error:
        detail = f"The mended record would fail again: {error}. Nothing was changed."
        raise Problem(422, "bad-record", detail, errors=[fault("/data", str(error))]) from None
    except (NoSuchLetter, LetterClosed) as error:
        raise _refused(error) from None
    _log.info("dead_letter_marked", letter=letter_id, act="replay", key=key.name)
    return json_response(marked, 202)


@router.post("/deadletters/{letter_id:path}/discard", summary="Close a dead letter for good", openapi_extra=_SECURED)
async def discard(request: Request, letter_id: str, why: Discard) -> Response:
    """With a reason; what was parked behind it flows."""
    letters, key = _asked(request)
    try:
        closed = await letters.discard(letter_id, by=key.name, reason=why.reason)
    except (NoSuchLetter, LetterClosed) as error:
        raise _refused(error) from None
    _log.info("dead_letter_marked", letter=letter_id, act="discard", key=key.name)
    return json_response(closed)


@router.get("/deadletters/{letter_id:path}", summary="One dead letter, whole", openapi_extra=_SECURED)
async def show(request: Request, letter_id: str) -> Response:
    """With its headers, what it holds, the reason, the place in the code and how much is parked behind it."""
    letters, _ = _asked(request)
    try:
        return json_response(await letters.show(letter_id))
    except NoSuchLetter as error:
        raise _refused(error) from None


def _asked(request: Request) -> tuple[Letters, Key]:
    keyring: Keyring = request.app.state.keyring
    key = keyring.authenticate(request, "operator")
    letters: Letters = request.app.state.letters
    return letters, key


def _refused(error: NoSuchLetter | LetterClosed) -> Problem:
    return Problem(404 if isinstance(error, NoSuchLetter) else 409, error.slug, str(error))
