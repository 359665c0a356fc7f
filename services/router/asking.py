"""What every route asks of a request: whose key it is, on which terms it wants something done, which page it wants."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPBearer

from services.router import refusals
from services.router.model import Body
from services.router.state import State, state_of
from shared.http.auth import Key, Role
from shared.store.port import BadCursor

described = Depends(HTTPBearer(scheme_name="key", description="An API key.", auto_error=False))
"""Names the keys in the OpenAPI document; `allowed` checks them."""
_ETAG = re.compile(r'(W/)?"([^"]*)"')
_LONGEST_KEY = 200

Limit: TypeAlias = Annotated[int, Query(ge=1, le=200, description="Items a page.")]
Cursor: TypeAlias = Annotated[str | None, Query(max_length=1000, description="Where the page before ended.")]


async def services(request: Request) -> State:
    """What the lifespan made; a coroutine, so that no thread is needed for it."""
    return state_of(request)


Services: TypeAlias = Annotated[State, Depends(services)]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an act is wanted."""

    idempotency_key: str | None
    versions: frozenset[int] | None


def allowed(*roles: Role) -> Callable[[Request], Awaitable[Key]]:
    """A dependency: the request's key, which must have one of these roles."""

    async def authenticated(request: Request) -> Key:
        return state_of(request).keyring.authenticate(request, *roles)

    return authenticated


Operator: TypeAlias = Annotated[Key, Depends(allowed("operator"))]
Official: TypeAlias = Annotated[Key, Depends(allowed("department", "operator"))]


async def terms(
    idempotency_key: Annotated[str | None, Header(description="The same key again gives the first answer again.")] = None,
    if_match: Annotated[str | None, Header(description='Only if the case is still at this version: `"3"`.')] = None,
) -> Terms:
    """The terms in the headers of an act."""
    key = idempotency_key.strip() if idempotency_key is not None else None
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise refusals.bad_query("header/Idempotency-Key", f"Send 1 to {_LONGEST_KEY} characters, such as a UUID.")
    return Terms(key, _versions(if_match))


def _versions(header: str | None) -> frozenset[int] | None:
    if header is None or header.strip() == "*":
        return None
    tags = [_ETAG.fullmatch(tag.strip()) for tag in header.split(",")]
    if not all(tags):
        raise refusals.bad_query("header/If-Match", 'Send the ETag of the answer you read, in double quotes: "3".')
    strong = (tag[2] for tag in tags if tag and not tag[1])  # a weak one never matches
    return frozenset(int(version) for version in strong if version.isdecimal() and len(version) < 19)


async def department(code: str, key: Official, state: Services) -> str:
    """The department of the path, if this key may see it."""
    if key.role == "department" and code not in key.scope:
        raise refusals.foreign_department(code)
    if code not in state.departments:
        raise refusals.no_such_department(code)
    return code


async def cursor_checked(page: Awaitable[Body], name: str) -> Body:
    """The page; a cursor that belongs to no such list is the client's mistake."""
    try:
        return await page
    except BadCursor as error:
        raise refusals.bad_query(
            f"query/{name}", f"{error}. Use the cursor of the last answer as it is, or begin without one."
        ) from None
