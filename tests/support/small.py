"""A service of a few lines, run by the real runtime: `python -m tests.support.small PORT`, settings from the environment."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import orjson
from fastapi import APIRouter, FastAPI, Request, Response

from shared.http.app import create_app, json_response
from shared.http.health import Health
from shared.http.problems import Problem
from shared.observability import logging
from shared.runtime import Beat, every, running, serve, wait_for
from shared.settings import HomeSettings, load

router = APIRouter()


@router.post("/echo")
async def echo(request: Request) -> Response:
    """How long the body is."""
    return json_response({"length": len(await request.body())})


@router.post("/express")
async def express(request: Request) -> Response:
    """What the body asks for: an answer of so many bytes, one that takes so long, or a failure."""
    asked = orjson.loads(await request.body())
    Path(os.environ["SMALL_SIGN"]).touch()
    if "fail" in asked:
        raise {"problem": Problem(418, "teapot", "No coffee here."), "bug": KeyError("bug")}[asked["fail"]]
    await asyncio.sleep(asked.get("seconds", 0))
    told = {"id": asked.get("id"), "scheme": request.scope["scheme"], "padding": "x" * asked.get("bytes", 0)}
    return json_response(told, 202, {"x-told": "so"})


@router.get("/large")
async def large() -> Response:
    """More than any socket's buffers hold."""
    return Response(b"x" * 50_000_000)


@router.get("/slow")
async def slow(seconds: float) -> Response:
    """An answer that takes its time."""
    Path(os.environ["SMALL_SIGN"]).touch()
    await asyncio.sleep(seconds)
    return json_response({"slept": seconds})


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Loops as the environment says: one that ends when asked, and perhaps one that does not."""

    async def stubborn(stop: asyncio.Event, beat: Beat) -> None:
        while True:
            beat()
            with suppress(*([asyncio.CancelledError] if os.environ.get("SMALL_STUBBORN") == "more" else [])):
                await wait_for(asyncio.Event(), 0.1)

    async def nothing() -> None:
        return

    loops = {"idle": every(0.1, nothing)} | ({"stubborn": stubborn} if os.environ.get("SMALL_STUBBORN") else {})
    async with running(loops, drain_seconds=load(HomeSettings).drain_seconds) as beats:
        app.state.health, app.state.account = Health({}, {}, beats), nothing
        yield


def main() -> None:
    """Serve."""
    settings = load(HomeSettings)
    logging.configure("small", "info")
    app = create_app("small", lifespan=lifespan, routers=[router], description="", express={"/express": express})
    serve(app, settings, int(sys.argv[1]))


if __name__ == "__main__":
    main()
