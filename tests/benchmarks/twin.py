"""Intake's bare twin: the least a FastAPI endpoint does that validates the same body and answers 202. Stores nothing."""

import sys

import orjson
import uvicorn
from fastapi import FastAPI, Response

from services.intake.model import Submission


def create_app() -> FastAPI:
    """One route, as FastAPI's own manual writes it, but for the answer, which is encoded as fast as intake's."""
    app = FastAPI(openapi_url=None)

    @app.post("/v1/messages", status_code=202)
    async def take(submission: Submission) -> Response:
        told = {"id": submission.external_id, "status": "received", "links": {"self": "/", "track": "/"}}
        return Response(orjson.dumps(told), 202, None, "application/json")

    @app.get("/health/ready")
    async def ready() -> Response:
        return Response(b"{}", media_type="application/json")

    return app


if __name__ == "__main__":  # the same server settings as shared.runtime.serve
    uvicorn.run(
        create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=30, backlog=2048,
    )  # fmt: skip
