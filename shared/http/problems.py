"""Errors as RFC 9457 problem details: a stable `type`, a sentence a person can act on, and where the mistake is."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, TypedDict

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from shared.errors import Permanent, Transient
from shared.observability import logging

_log = logging.get(__name__)
_ROUTING = {
    404: "There is no such route here: /openapi.json lists those that there are.",
    405: "This route does not take this method: /openapi.json lists those that it takes.",
}
TYPE_BASE = "urn:yijian:problem:"


class Fault(TypedDict):
    """One mistake: what to change, and a JSON pointer (RFC 6901) to where it is."""

    detail: str
    pointer: str


class Problem(Permanent):
    """An answer to a client. `slug` becomes the last part of `type`."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        """For helper processes: an exception pickles by what `Exception` was given, which is not all of it."""
        rebuild = partial(Problem, errors=self.errors, headers=self.headers, **self.extra)
        return rebuild, (self.status, self.slug, self.detail)

    def body(self) -> dict[str, Any]:
        """The problem as the JSON object of RFC 9457."""
        body: dict[str, Any] = {
            "type": TYPE_BASE + self.slug,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        if self.errors:
            body["errors"] = self.errors
        return body

    def response(self) -> Response:
        """The problem as an HTTP response."""
        return Response(orjson.dumps(self.body()), self.status, self.headers, "application/problem+json")


def fault(pointer: str, detail: str) -> Fault:
    """One entry of `errors`."""
    return {"detail": detail, "pointer": pointer}


def pointer(loc: Sequence[int | str]) -> str:
    """A JSON pointer from a path of keys and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def invalid(error: ValidationError, *, prefix: str = "") -> Problem:
    """A body that does not fit its model: 400 when it is no JSON at all, else 422 with a pointer per mistake."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    if mistakes[0]["type"] == "json_invalid":
        return not_json(mistakes[0]["msg"])
    faults = [fault(prefix + pointer(item["loc"]), _advice(item["type"], item["msg"])) for item in mistakes[:50]]
    first = faults[0]
    return Problem(422, "invalid", f"{first['pointer'] or 'The body'}: {first['detail']}", errors=faults)


def not_json(reason: str) -> Problem:
    """The body cannot be read as JSON."""
    detail = f"The body is not valid JSON ({reason}). Send one JSON object, encoded as UTF-8."
    return Problem(400, "not-json", detail, errors=[fault("", detail)])


def _advice(kind: str, message: str) -> str:
    advice = {
        "missing": "This field is required: add it.",
        "string_type": "This must be a string in double quotes.",
        "string_unicode": "This is not valid Unicode text (a lone surrogate or broken encoding): send it as UTF-8.",
        "extra_forbidden": "This field is not known here: remove it.",
    }
    return advice.get(kind, message.removeprefix("Value error, ") + ".")


def response_to(error: Problem | Transient) -> Response:
    """The answer to what a route raised: the problem itself, or a 503 that says to send the request again."""
    if isinstance(error, Problem):
        return error.response()
    detail = f"This cannot be done at the moment ({error}). Nothing is wrong with the request: send it again."
    return Problem(503, getattr(error, "slug", "transient"), detail, headers={"Retry-After": "2"}).response()


def unexpected(error: Exception) -> Response:
    """The answer to what nobody foresaw: logged with its trace, and a problem like every other for the client."""
    _log.error("unexpected", error=repr(error)[:500], exc_info=error)
    detail = (
        "Something went wrong here that nobody foresaw; it is in the service's log. Send the request again with the same key."
    )
    return Problem(500, "unexpected", detail).response()


def install(app: FastAPI) -> None:
    """Make every error of this app a problem."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem | Transient)  # noqa: S101
        return response_to(error)

    async def request_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return _request_invalid(error).response()

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = _ROUTING.get(error.status_code, str(error.detail))
        return Problem(error.status_code, slug, detail, headers=error.headers).response()

    async def unforeseen(_: Request, error: Exception) -> Response:
        return unexpected(error)

    app.add_exception_handler(Exception, unforeseen)
    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(RequestValidationError, request_invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Transient, ours)


def _request_invalid(error: RequestValidationError) -> Problem:
    mistakes = error.errors()
    if mistakes[0]["type"] == "json_invalid":
        return not_json(str(mistakes[0].get("ctx", {}).get("error", mistakes[0]["msg"])))
    faults = [_request_fault(item) for item in mistakes[:50]]
    return Problem(422, "invalid", f"{faults[0]['pointer']}: {faults[0]['detail']}", errors=faults)


def _request_fault(item: Any) -> Fault:
    place, *rest = item["loc"]
    where = pointer(rest) if place == "body" else f"{place}{pointer(rest)}"
    return fault(where, _advice(item["type"], item["msg"]))
