"""Intake's routes for citizens (the tracking code) and for operators (links, the audit)."""

import re

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import links, store, tracking, views
from services.intake.state import state_of
from shared import clock
from shared.http.app import json_response
from shared.http.problems import Problem, fault

router = APIRouter(prefix="/v1")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@router.get("/track/{code}", summary="How a message stands, by its tracking code", tags=["citizens"])
async def track(code: str, request: Request) -> Response:
    """Public: the status and history in plain words, nothing personal."""
    state = state_of(request)
    try:
        claim = store.tracking_claim(tracking.normalise(code))
    except tracking.BadCode as error:
        detail = f"{error} Look at the code again and type it anew."
        raise Problem(404, "bad-tracking-code", detail, errors=[fault("path/code", detail)]) from None
    document = (await state.store.find(store.COLLECTION, [claim])).get(claim)
    if document is None:
        raise Problem(404, "no-such-message", "There is no message with this tracking code.")
    return json_response(views.track(document, state.departments), headers={"Cache-Control": "no-store"})


class Reason(BaseModel):
    """Why something is done; kept with the name of the key."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=2, max_length=500)


@router.post("/citizens/links/{link_id}/undo", summary="Undo a link between two identifiers", tags=["operators"])
async def undo_link(link_id: str, reason: Reason, request: Request) -> Response:
    """Families share phones: an operator says that two identifiers are not the same citizen."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "operator")
    return json_response(await links.undo(state.store, link_id, by=key.name, reason=reason.reason, at=clock.timestamp()))


@router.get("/audit/minutes", summary="Count and XOR of the ids accepted in a minute", tags=["operators"])
async def audit(minute: str, request: Request) -> Response:
    """For comparing with the router: both must agree for every minute older than five."""
    state = state_of(request)
    state.keyring.authenticate(request, "operator")
    if not _MINUTE.fullmatch(minute):
        detail = "A minute is written 2026-11-20T01:12, in UTC."
        raise Problem(422, "invalid", detail, errors=[fault("query/minute", detail)])
    return json_response(await state.accounts.minute(minute))
