"""The router's routes for departments: their cases, and the feed of what happens to them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from services.router.asking import Cursor, Limit, Services, cursor_checked, department, described
from shared.http.app import json_response

router = APIRouter(prefix="/v1/departments/{code}", tags=["departments"], dependencies=[described])
_LONGEST_WAIT = 60

Own = Annotated[str, Depends(department)]
Wait = Annotated[float, Query(ge=0, le=_LONGEST_WAIT, allow_inf_nan=False, description="Seconds to wait for the next event.")]


@router.get("/cases", summary="A department's cases, newest first")
async def cases(
    own: Own, services: Services, *, state: Literal["routed", "accepted", "resolved"] | None = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """Those it has, and those it has resolved."""
    page = services.lists.inbox(own, state=state, limit=limit, cursor=cursor)
    return json_response(await cursor_checked(page, "cursor"))


@router.get("/events", summary="A department's change feed")
async def events(own: Own, services: Services, after: Cursor = None, limit: Limit = 100, wait: Wait = 0) -> Response:
    """The events of its Kafka topic in the same order, as CloudEvents. Ask again with the `cursor` of the answer; with
    `wait` the answer comes as soon as something happens."""
    return json_response(await cursor_checked(services.feed.read(own, after, limit=limit, wait=wait), "after"))
