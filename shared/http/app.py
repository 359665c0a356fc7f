"""The same edge for every service: problems, limits, metrics, health, account and OpenAPI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from shared import clock
from shared.errors import Permanent, Transient
from shared.http import problems
from shared.http.health import Health, Status
from shared.http.problems import Problem
from shared.observability import metrics

Account: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
MAX_BODY_BYTES = 10 * 1024 * 1024
"""The largest body any route takes; a route may take less."""
_BODIES_BYTES = 64 * 1024 * 1024
"""What all bodies may hold that are being read at the same time, but for express routes, which have bounds of their own."""


def create_app(
    name: str, *, lifespan: Lifespan[FastAPI], routers: list[APIRouter], description: str,
    express: Mapping[str, Endpoint] | None = None,
) -> FastAPI:  # fmt: skip
    """A service's app. Its lifespan must set `app.state.health` (`Health`) and `app.state.account` (`Account`).

    `express` names the POST routes, by path, that are answered ahead of FastAPI's routing: for endpoints that take a whole
    request and are called thousands of times a second. They stand in a router all the same, for the OpenAPI document.
    """
    app = FastAPI(
        title=f"Yijian {name}", version="1", description=description,
        lifespan=_explained(lifespan), docs_url=None, redoc_url=None,
        responses={"default": {"description": "A problem (RFC 9457)", "content": {"application/problem+json": {}}}},
    )  # fmt: skip
    problems.install(app)
    for router in (*routers, _operations(app)):
        app.include_router(router)
    app.add_middleware(Edge, state=app, express=express or {})
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

    def __init__(self, app: ASGIApp, state: FastAPI, express: Mapping[str, Endpoint]) -> None:
        self._app, self._state, self._express = app, state, express
        self._octets = 0
        """Of bodies that FastAPI's routes are reading."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = clock.monotonic(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        express = self._express.get(scope["path"]) if scope["method"] == "POST" else None
        try:
            scope["declared"] = declared = _declared(scope)
            if declared > MAX_BODY_BYTES:
                await too_large(MAX_BODY_BYTES, "The body").response()(scope, receive, watch)
            elif express:
                await self._answer(express, scope, _limited(receive), watch)
            else:
                await self._route(scope, receive, watch, declared or _undeclared(scope))
        finally:
            route = scope["path"] if express else getattr(scope.get("route"), "path", "(none)")
            metrics.child(metrics.HTTP_REQUESTS, route, str(status)).inc()
            metrics.child(metrics.HTTP_SECONDS, route).observe(clock.monotonic() - started)

    async def _route(self, scope: Scope, receive: Receive, send: Send, octets: int) -> None:
        """To FastAPI, which reads a body before it asks for a key: so there is a bound on what all bodies hold."""
        if octets and self._octets and self._octets + octets > _BODIES_BYTES:
            metrics.child(metrics.SHED, "bodies").inc()
            await _too_many_bodies().response()(scope, receive, send)
            return
        self._octets += octets
        try:
            await self._app(scope, _limited(receive), send)
        finally:
            self._octets -= octets

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._state
        try:
            response = await endpoint(Request(scope, receive))
        except ClientDisconnect:
            return  # nobody is there to be answered, and of half a body nothing is kept
        except (Problem, Transient) as error:
            response = problems.response_to(error)
        except Exception as error:  # what nobody foresaw is a problem too, not a bare line of text
            response = problems.unexpected(error)
        await response(scope, receive, send)


def _declared(scope: Scope) -> int:
    """The body's length as its sender says, known before FastAPI reads it (what fails while it reads becomes a 400)."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


def _undeclared(scope: Scope) -> int:
    """Room for a body of which nobody says how long it will be."""
    return MAX_BODY_BYTES if any(name == b"transfer-encoding" for name, _ in scope["headers"]) else 0


def _too_many_bodies() -> Problem:
    detail = "Too much is being sent here at the moment. Nothing is wrong with the request: send the same again."
    return Problem(503, "overloaded", detail, headers={"Retry-After": "1"})


def _limited(receive: Receive) -> Receive:
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise too_large(MAX_BODY_BYTES, "The body")
        return message

    return limited


def too_large(limit: int, what: str) -> Problem:
    """A 413 that names the limit in bytes."""
    detail = f"{what} is larger than {limit:,} bytes. Shorten it, or send attachments by reference."
    return Problem(413, "too-large", detail, errors=[problems.fault("", detail)], limit_bytes=limit)
