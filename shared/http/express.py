"""Express routes: POST endpoints that take a whole request thousands of times a second, answered ahead of all layers.

Between uvicorn's protocol and a route lie proxy headers, error handlers, routing and an answer written piece by piece (ADR 12
says what they cost). An express route is found as soon as its head is here, gets the same `Request` as any other, and its
`Response` is written at once. Where ASGI is spoken to the app directly, or a proxy's headers are to be read first, the same
endpoint is reached through the layers.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeAlias, cast

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from shared import clock
from shared.errors import Transient
from shared.http import problems
from shared.http.bodies import MAX_BODY_BYTES, declared, limited, refuse_too_large
from shared.http.guard import Guarded, Limits
from shared.http.problems import Problem
from shared.observability import metrics

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
_PROXIED = b"x-forwarded-proto"
_BODY = "yijian.body"
"""In a scope: the whole body, where it came with its head. Reading it through `receive` would take longer than parsing it."""


class Express:
    """The express routes of an app, by path."""

    def __init__(self, app: FastAPI, endpoints: Mapping[str, Endpoint]) -> None:
        self._app, self._endpoints = app, endpoints

    def endpoint(self, scope: Scope) -> Endpoint | None:
        """Who answers this request, if it is for an express route."""
        return self._endpoints.get(scope["path"]) if scope["method"] == "POST" else None

    async def answer(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Response | None:
        """The endpoint's answer, measured; errors are problems. None: nobody is there to be answered."""
        started, status = clock.monotonic(), 499
        scope["app"] = self._app
        try:
            response = await self._response(endpoint, scope, receive)
            status = response.status_code
            return response
        except ClientDisconnect:
            return None  # of half a body nothing is kept
        finally:
            metrics.child(metrics.HTTP_REQUESTS, scope["path"], str(status)).inc()
            metrics.child(metrics.HTTP_SECONDS, scope["path"]).observe(clock.monotonic() - started)

    async def _response(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Response:
        try:
            scope["declared"] = octets = declared(scope)
            refuse_too_large(octets)
            return await endpoint(_request(scope, receive))
        except ClientDisconnect:
            raise
        except (Problem, Transient) as error:
            return problems.response_to(error)
        except Exception as error:  # what nobody foresaw is a problem too, not a bare line of text
            return problems.unexpected(error)


def _request(scope: Scope, receive: Receive) -> Request:
    request = Request(scope, limited(receive))
    if (body := scope.pop(_BODY, None)) is not None:
        request._body = body  # where `Request.body()` keeps what it has read
    return request


class ExpressProtocol(Guarded):
    """The guarded protocol that takes express routes by itself."""

    express: ClassVar[Express]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        endpoint = self.express.endpoint(cast(Scope, cycle.scope))
        if endpoint is None or any(name == _PROXIED for name, _ in cycle.scope["headers"]):
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(self._answer(endpoint, cycle))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _answer(self, endpoint: Endpoint, cycle: RequestResponseCycle) -> None:
        scope = cast(Scope, cycle.scope)
        if not cycle.more_body and len(cycle.body) <= MAX_BODY_BYTES:
            scope[_BODY] = bytes(cycle.body)
        try:
            response = await self.express.answer(endpoint, scope, cast(Receive, cycle.receive))
            if cycle.flow.write_paused:
                await cycle.flow.drain()
        except BaseException:  # cancelled at the deadline of a stop
            self.transport.close()
            raise
        if response is not None and not cycle.disconnected:
            self._write(cycle, response)

    def _write(self, cycle: RequestResponseCycle, response: Response) -> None:
        lines = [name + b": " + value + b"\r\n" for name, value in (*cycle.default_headers, *response.raw_headers)]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        self.transport.write(b"".join((STATUS_LINE[response.status_code], *lines, b"\r\n", response.body)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def protocol(limits: Limits, express: Express) -> type[ExpressProtocol]:
    """The protocol with these bounds and routes, as uvicorn takes it."""
    return type("Protocol", (ExpressProtocol,), {"limits": limits, "express": express})
