"""An HTTP client as a channel system should be one: it repeats the same content with growing pauses until it is answered."""

import random
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from shared import clock
from shared.errors import Permanent, Transient

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LONGEST_RETRY_AFTER = 60.0
_TOO_MANY = 429
_SERVER_FAULT = 500


class Unanswered(Transient):
    """The service gave no good answer for as long as the client was patient."""

    slug = "unanswered"


class Refused(Permanent):
    """The service will not do it; the text is its own reason."""

    slug = "refused"


class Client:
    """Talks to one service with one key. Gives up after `patience` seconds without an answer to the same request."""

    def __init__(
        self,
        url: str,
        secret: str | None,
        *,
        patience: float = 120.0,
        first_pause: float = _FIRST_PAUSE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=60.0, transport=transport, trust_env=False)
        self._url, self._patience, self._first_pause = url, patience, first_pause

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._http.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        await self._http.__aexit__(kind, error, trace)

    async def get(self, path: str) -> Any:
        """The answer's JSON. Raises `Refused` or `Unanswered`."""
        return good(await self.send("GET", path))

    async def post(self, path: str, content: Any, **headers: str) -> Any:
        """The answer's JSON to this JSON. Raises `Refused` or `Unanswered`."""
        return good(await self.send("POST", path, orjson.dumps(content), **headers))

    async def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
        """The first answer that is not "try again". Raises `Unanswered`."""
        deadline = clock.monotonic() + self._patience
        pause = self._first_pause
        while True:
            answer, trouble = await self._try(method, path, body, headers)
            if answer is not None and not _try_again(answer):
                return answer
            wait = max(_retry_after(answer), pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads clients, guards nothing
            if clock.monotonic() + wait > deadline:
                raise Unanswered(f"{self._url} gave no good answer for {self._patience:g} s: {trouble}")
            await clock.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _try(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[httpx.Response | None, str]:
        """An answer, if there was one, and what was wrong."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        try:
            answer = await self._http.request(method, path, content=body, headers=named)
        except httpx.TransportError as error:
            return None, str(error) or type(error).__name__
        return answer, reason(answer)


def good(answer: httpx.Response) -> Any:
    """The JSON of a good answer. Raises `Refused` with the service's reason."""
    if answer.is_success:
        return answer.json()
    raise Refused(f"{answer.request.url}: {reason(answer)}")


def reason(answer: httpx.Response) -> str:
    """What the service says is wrong (RFC 9457), or its bare status."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"


def _try_again(answer: httpx.Response) -> bool:
    return answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_FAULT


def _retry_after(answer: httpx.Response | None) -> float:
    """Seconds the service asks for; its other form, a date, is left to our own pauses."""
    value = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(value), _LONGEST_RETRY_AFTER) if value.isdecimal() else 0.0
