"""The router's routes for cases: read them, act on them, and decide on those in triage."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.router import refusals
from services.router.acts import Accept, Act, Decide, Resolve, Return
from services.router.asking import Cursor, Limit, Official, Operator, Services, Terms, cursor_checked, described, terms
from services.router.service import Order
from services.router.state import State
from shared.events.cases import State as CaseState
from shared.events.words import Disposition
from shared.http.app import json_response
from shared.http.auth import Key

router = APIRouter(prefix="/v1", dependencies=[described])
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_ETAG_OF = '"{}"'.format
OnTerms = Annotated[Terms, Depends(terms)]


@router.get("/cases", summary="Cases, newest first", tags=["operators"])
async def cases(
    _: Operator, state: Services, *, disposition: Disposition | None = None, department: str | None = None,
    state_: Annotated[CaseState | None, Query(alias="state")] = None, limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """By where they stand, and by department."""
    if department is not None and department not in state.departments:
        raise refusals.bad_query("query/department", f"The pack has no department {department[:60]!r}.", 422)
    page = state.lists.cases(disposition=disposition, department=department, state=state_, limit=limit, cursor=cursor)
    return json_response(await cursor_checked(page, "cursor"))


@router.get("/triage", summary="What waits for an operator's decision, oldest first", tags=["operators"])
async def triage(_: Operator, state: Services, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Each with the reason why nobody else decided."""
    return json_response(await cursor_checked(state.lists.triage(limit=limit, cursor=cursor), "cursor"))


@router.get("/cases/{ref}", summary="One case with its history, by id or number", tags=["cases"])
async def case(ref: str, key: Official, state: Services) -> Response:
    """An operator sees everything; a department what happened up to the end of its own last turn."""
    shown, version = await state.desk.show(ref, key)
    return json_response(shown, headers={"ETag": _ETAG_OF(version)} if version else None)


@router.post("/cases/{ref}/accept", summary="Take the case on", tags=["cases"])
async def accept(ref: str, key: Official, on: OnTerms, state: Services, act: Accept | None = None) -> Response:
    """For the department that has been given the case; the clock for taking it on stops."""
    return await _perform(ref, act or Accept(), key, on, state)


@router.post("/cases/{ref}/return", summary="Give the case back, with a reason", tags=["cases"])
async def give_back(ref: str, act: Return, key: Official, on: OnTerms, state: Services) -> Response:
    """The department's turn ends; an operator decides again."""
    return await _perform(ref, act, key, on, state)


@router.post("/cases/{ref}/resolve", summary="Close the case with a reply to the citizen", tags=["cases"])
async def resolve(ref: str, act: Resolve, key: Official, on: OnTerms, state: Services) -> Response:
    """The department's turn ends with its work done."""
    return await _perform(ref, act, key, on, state)


@router.post("/cases/{ref}/decide", summary="Decide on a case in triage", tags=["operators"])
async def decide(ref: str, act: Decide, key: Operator, on: OnTerms, state: Services) -> Response:
    """A department, joined to another case, answered at the door, referred, or not admitted with a reason."""
    return await _perform(ref, act, key, on, state)


@router.get("/audit/minutes", summary="Count and XOR of the ids received in a minute", tags=["operators"])
async def audit(minute: str, _: Operator, state: Services) -> Response:
    """For comparing with intake: both must agree for every minute older than five."""
    if not _MINUTE.fullmatch(minute):
        raise refusals.bad_query("query/minute", "A minute is written 2026-11-20T01:12, in UTC.", 422)
    return json_response(await state.account.minute(minute))


async def _perform(ref: str, act: Act, key: Key, on: Terms, state: State) -> Response:
    answer = await state.desk.perform(Order(ref, act, key, on.idempotency_key, on.versions))
    headers = {"ETag": _ETAG_OF(answer.version)}
    return json_response(answer.body, headers=headers | {"Idempotent-Replayed": "true"} if answer.replayed else headers)
