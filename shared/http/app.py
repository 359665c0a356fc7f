"""The same edge for every service: problems, limits, metrics, health, account and OpenAPI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
from fastapi import FastAPI, Response
from fastapi.routing import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from shared import clock
from shared.errors import Permanent
from shared.http import problems
from shared.http.bodies import declared, limited, refuse_too_large, undeclared
from shared.http.express import Endpoint, Express
from shared.http.health import Health, Status
from shared.http.problems import Problem
from shared.observability import metrics

Account: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
_BODIES_BYTES = 64 * 1024 * 1024
"""What all bodies may hold that are being read at the same time, but for express routes, which have bounds of their own."""


def create_app(
    name: str, *, lifespan: Lifespan[FastAPI], routers: list[APIRouter], description: str,
    express: Mapping[str, Endpoint] | None = None,
) -> FastAPI:  # fmt: skip
    """A service's app. Its lifespan must set `app.state.health` (`Health`) and `app.state.account` (`Account`).

    `express` names endpoints, by path, that are answered ahead of FastAPI's routing (`shared.http.express`). They stand in a
    router all the same, for the OpenAPI document.
    """
    app = FastAPI(
        title=f"Yijian {name}", version="1", description=description,
        lifespan=_explained(lifespan), docs_url=None, redoc_url=None,
        responses={"default": {"description": "A problem (RFC 9457)", "content": {"application/problem+json": {}}}},
    )  # fmt: skip
    problems.install(app)
    for router in (*routers, _operations(app)):
        app.include_router(router)
    app.state.express = Express(app, express or {})
    app.add_middleware(Edge, express=app.state.express)
    _declare_keys(app)
    return app


def _declare_keys(app: FastAPI) -> None:
    """Say in the OpenAPI document what the routes mean that ask for `key`."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer", "description": "An API key, made with: yijian keys add"}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _explained(lifespan: Lifespan[FastAPI]) -> Lifespan[FastAPI]:
    """The same lifespan; when it cannot begin, `app.state.cannot_start` says why."""

    @asynccontextmanager
    async def explained(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with lifespan(app):
                yield
        except Permanent as error:
            app.state.cannot_start = f"{error.slug}: {error}"
            raise

    return explained


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer, encoded once."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def _operations(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", summary="Does every loop make progress?")
    async def live() -> Response:
        return _health(*await _checks(app).live())

    @router.get("/health/ready", summary="Can the service do its job now? Each check with its reason")
    async def ready() -> Response:
        return _health(*await _checks(app).ready())

    @router.get("/metrics", summary="Prometheus metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @router.get("/v1/account", summary="What came in, and where it is now")
    async def account() -> Response:
        count: Account = app.state.account
        return json_response(await count())

    return router


def _checks(app: FastAPI) -> Health:
    health: Health = app.state.health
    return health


def _health(status: Status, checks: dict[str, str]) -> Response:
    return json_response({"status": status, "checks": checks}, 503 if status == "failing" else 200)


class Edge:
    """The outermost layer: refuses bodies over the limit while they arrive, measures every answer, takes the express routes."""

    def __init__(self, app: ASGIApp, express: Express) -> None:
        self._app, self._express = app, express
        self._octets = 0
        """Of bodies that FastAPI's routes are reading."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif endpoint := self._express.endpoint(scope):
            response = await self._express.answer(endpoint, scope, receive)
            if response is not None:
                await response(scope, receive, send)
        else:
            await self._measured(scope, receive, send)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = clock.monotonic(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._route(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            metrics.child(metrics.HTTP_REQUESTS, route, str(status)).inc()
            metrics.child(metrics.HTTP_SECONDS, route).observe(clock.monotonic() - started)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To FastAPI, which reads a body before it asks for a key: so there is a bound on what all bodies hold."""
        octets = declared(scope) or undeclared(scope)
        try:
            refuse_too_large(octets)
            self._make_room(octets)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        self._octets += octets
        try:
            await self._app(scope, limited(receive), send)
        finally:
            self._octets -= octets

    def _make_room(self, octets: int) -> None:
        if octets and self._octets and self._octets + octets > _BODIES_BYTES:
            raise _shed_body()


def _shed_body() -> Problem:
    metrics.child(metrics.SHED, "bodies").inc()
    detail = "Too much is being sent here at the moment. Nothing is wrong with the request: send the same again."
    return Problem(503, "overloaded", detail, headers={"Retry-After": "1"})
