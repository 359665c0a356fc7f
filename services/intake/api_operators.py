"""Intake's routes for operators: links between identifiers, the audit, and messages that have no case."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import links
from services.intake.model import MAX_BATCH
from services.intake.state import state_of
from shared import clock
from shared.http.app import json_response
from shared.http.problems import Problem, fault
from shared.store.port import BadCursor

router = APIRouter(prefix="/v1", tags=["operators"])
_SECURED: dict[str, Any] = {"security": [{"key": []}]}
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


class Reason(BaseModel):
    """Why something is done; kept with the name of the key."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=2, max_length=500)


@router.post("/citizens/links/{link_id}/undo", summary="Undo a link between two identifiers", openapi_extra=_SECURED)
async def undo_link(link_id: str, reason: Reason, request: Request) -> Response:
    """Families share phones: an operator says that two identifiers are not the same citizen."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "operator")
    return json_response(await links.undo(state.store, link_id, by=key.name, reason=reason.reason, at=clock.timestamp()))


@router.get("/audit/minutes", summary="Count and XOR of the ids accepted in a minute", openapi_extra=_SECURED)
async def audit(minute: str, request: Request) -> Response:
    """For comparing with the router: both must agree for every minute older than five."""
    state = state_of(request)
    state.keyring.authenticate(request, "operator")
    if not _MINUTE.fullmatch(minute):
        detail = "A minute is written 2026-11-20T01:12, in UTC."
        raise Problem(422, "invalid", detail, errors=[fault("query/minute", detail)])
    return json_response(await state.accounts.minute(minute))


@router.get("/audit/missing", summary="Messages that have no case", openapi_extra=_SECURED)
async def missing(request: Request, cursor: Annotated[str | None, Query(max_length=1000)] = None) -> Response:
    """`{"ids": […], "cursor": …}`: what the audit found and what the reconciler gave up; a cursor means that there are more."""
    state = state_of(request)
    state.keyring.authenticate(request, "operator")
    try:
        return json_response(await state.republisher.missing(cursor))
    except BadCursor as error:
        raise Problem(400, "bad-cursor", f"{error}. Use the cursor of the last answer.") from None


class Wanted(BaseModel):
    """Which messages."""

    model_config = ConfigDict(extra="forbid")
    ids: list[Annotated[str, Field(max_length=60)]] = Field(min_length=1, max_length=MAX_BATCH)


@router.post("/messages:republish", summary="Publish messages again that have no case", openapi_extra=_SECURED)
async def republish(wanted: Wanted, request: Request) -> Response:
    """Each goes out as the same message, so one that has a case stays as it is. What is unknown, or not ready, is named."""
    state = state_of(request)
    key = state.keyring.authenticate(request, "operator")
    return json_response(await state.republisher.republish(list(dict.fromkeys(wanted.ids)), key.name))
