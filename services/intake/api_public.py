"""Intake's route for citizens: the tracking code."""

from fastapi import APIRouter, Request, Response

from services.intake import store, tracking, views
from services.intake.state import state_of
from shared.http.app import json_response
from shared.http.problems import Problem, fault

router = APIRouter(prefix="/v1")


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
