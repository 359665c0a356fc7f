"""Intake's routes for channel systems: post messages, and ask after them."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from services.intake import doors, examples, store, views
from services.intake.answers import Outcome, Taken, answer, count
from services.intake.model import MAX_BATCH, Submission
from services.intake.state import State, state_of
from shared.http.app import json_response
from shared.http.auth import Key
from shared.http.problems import Problem, fault, not_json
from shared.store.port import Document

router = APIRouter(prefix="/v1", tags=["messages"])
_SECURED: dict[str, Any] = {"security": [{"key": []}]}


def _body(schema: dict[str, Any], content_types: tuple[str, ...], example: Any) -> dict[str, Any]:
    content = {kind: {"schema": schema, "examples": {"typical": {"value": example}}} for kind in content_types}
    return _SECURED | {"requestBody": {"required": True, "content": content}}


_ONE = Submission.model_json_schema()
_MANY = {"type": "array", "items": _ONE, "maxItems": MAX_BATCH}


@router.post(
    "/messages", status_code=202, summary="Take in one message", response_description="Stored for good; its tracking code",
    openapi_extra=_body(_ONE, ("application/json",), examples.ONE),
)  # fmt: skip
async def post_message(request: Request) -> Response:
    """Store one message durably, then answer 202. Repeat it with the same key and body to get the same answer."""
    return await doors.through(request, _told_one)


def _told_one(outcomes: list[Outcome], state: State, request: Request) -> Response:
    (outcome,) = outcomes
    count(outcome)
    if isinstance(outcome, Problem):
        raise outcome
    headers = {"Idempotent-Replayed": "true"} if outcome.repeated else None
    return json_response(answer(outcome, state.base_url(request)), 202, headers)


@router.post(
    "/messages:batch", summary="Take in up to 1,000 messages", response_description="A result per message, in order",
    openapi_extra=_body(_MANY, ("application/json", "application/x-ndjson"), [examples.ONE]),
)  # fmt: skip
async def post_batch(request: Request) -> Response:
    """Store the good ones durably; each bad one gets its own problem and hinders no other."""
    return await doors.through(request, _told_each, batch=request.headers.get("content-type", ""))


def _told_each(outcomes: list[Outcome], state: State, request: Request) -> Response:
    base_url = state.base_url(request)
    results = [_result(index, outcome, base_url) for index, outcome in enumerate(outcomes)]
    repeated = sum(isinstance(outcome, Taken) and outcome.repeated for outcome in outcomes)
    refused = sum(isinstance(outcome, Problem) for outcome in outcomes)
    counts = {"accepted": len(outcomes) - repeated - refused, "duplicates": repeated, "refused": refused}
    return json_response({**counts, "results": results})


def _result(index: int, outcome: Outcome, base_url: str) -> dict[str, Any]:
    count(outcome)
    if isinstance(outcome, Problem):
        return {"index": index, "status": outcome.status, "problem": outcome.body()}
    return answer(outcome, base_url) | {"index": index, "status": 202, "duplicate": outcome.repeated}


@router.post("/messages:status", summary="How up to 1,000 messages stand", openapi_extra=_SECURED)
async def statuses(request: Request) -> Response:
    """`{"ids": […]}` → `{"statuses": {id: {status, …}}}`; an id that is not the caller's to see is left out."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "channel", "operator")
    wanted = _ids(await request.body())
    found = await state.store.get(store.COLLECTION, wanted)
    visible = {one.id: views.standing(one) for one in found.values() if views.may_see(one, key)}
    return json_response({"statuses": visible})


def _ids(body: bytes) -> list[str]:
    try:
        wanted = orjson.loads(body)["ids"]
    except orjson.JSONDecodeError as error:
        raise not_json(str(error)) from None
    except (KeyError, TypeError):
        wanted = None
    if not isinstance(wanted, list) or len(wanted) > MAX_BATCH or not all(isinstance(one, str) for one in wanted):
        detail = f'Send {{"ids": […]}} with at most {MAX_BATCH:,} message ids.'
        raise Problem(422, "invalid", detail, errors=[fault("/ids", detail)])
    return wanted


@router.get("/messages/{message_id}", summary="One message, masked, with how its case stands", openapi_extra=_SECURED)
async def get_message(message_id: str, request: Request) -> Response:
    """For the channel that posted it, the department that holds its case, and operators."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "channel", "department", "operator")
    document = await _visible(state, message_id, key)
    return json_response(await views.message(document, key, state.store))


@router.get("/messages/{message_id}/contact", summary="The citizen's contact, with a reason, logged", openapi_extra=_SECURED)
async def get_contact(message_id: str, request: Request, reason: str = "", placeholder: str | None = None) -> Response:
    """For the department that holds the case, and operators: the contact, or the value behind one placeholder."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "department", "operator")
    document = await _visible(state, message_id, key)
    return json_response(await state.contacts.give(document, key, reason, placeholder))


async def _visible(state: State, message_id: str, key: Key) -> Document:
    document = (await state.store.get(store.COLLECTION, [message_id])).get(message_id)
    if document is None or not views.may_see(document, key):
        raise Problem(404, "no-such-message", f"There is no message {message_id[:60]!r} that this key may see.")
    return document


EXPRESS = {"/v1/messages": post_message, "/v1/messages:batch": post_batch}
"""The doors themselves, through which everything comes in."""
