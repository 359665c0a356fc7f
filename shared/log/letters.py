"""What operators do with dead letters: list and read them, have them handled again (mended, if need be), discard them.

Marks only; whoever holds a letter's partition does the rest (`shared.log.deadletters`). Every mark is kept with its maker.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from shared import clock
from shared.errors import BadRecord, Permanent, StoreUnavailable
from shared.events import catalog
from shared.events.envelope import Event, from_record
from shared.log.deadletters import LETTERS, PARKED, received
from shared.store.port import Document, Store, Stored, Value

_SUMMARY = ("group", "topic", "partition", "offset", "key", "type", "reason", "detail", "attempts", "status", "at")
_TRIES = 5
_PAGE = 500


class NoSuchLetter(Permanent):
    """There is no letter with this id."""

    slug = "no-such-letter"


class LetterClosed(Permanent):
    """The letter is no open one: it was replayed or discarded already."""

    slug = "letter-closed"


@dataclass(frozen=True, slots=True)
class Mending:
    """What an operator puts in the place of a letter's record; the original stays in the letter."""

    data: dict[str, Any]
    headers: dict[str, str]
    """Added to the record's own: what a foreign record lacks to be one of ours."""


class Letters:
    """The letters of a service's store, whatever group they are of."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, *, status: str, reason: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
        """Letters of a status, by reason and time. Raises `BadCursor`."""
        prefix: dict[str, Value] = {"status": status, "reason": reason} if reason else {"status": status}
        page = await self._store.page(LETTERS, "by_status", prefix, limit=limit, after=cursor)
        return {"letters": [_summary(letter) for letter in page.documents], "cursor": page.cursor}

    async def show(self, letter_id: str) -> dict[str, Any]:
        """One letter whole: headers, payload (as JSON where it is JSON, else base64), stack, what was done with it."""
        letter = await self._load(letter_id)
        body = letter.body
        prefix: dict[str, Value] = {name: body[name] for name in ("group", "topic", "partition", "key")}
        parked = await self._store.count(PARKED, "by_key", prefix, limit=10_000) if body["key"] is not None else 0
        rest = {name: body.get(name) for name in ("headers", "stack", "mended", "acts")}
        return _summary(letter) | rest | _content(body.get("payload")) | {"parked_behind": parked}

    async def replay(self, letter_id: str, *, by: str, mending: Mending | None = None) -> dict[str, Any]:
        """Mark an open letter to be handled again. Raises `BadRecord` for a mended record that is none of ours: nothing is
        marked then, and the original stays."""

        def mark(letter: Document) -> None:
            if mending:
                letter.body["mended"] = _mended(letter.body, mending)
            # what waits in an outbox is tried again by its relay; refused again, it is dead again
            letter.body["status"] = "replay" if "payload" in letter.body else "replayed"

        return await self._act(letter_id, mark, {"act": "replay", "by": by, "mended": mending is not None})

    async def replay_all(self, reason: str, *, by: str) -> int:
        """Mark every dead letter of one reason; how many."""
        marked = 0
        while True:
            page = await self._store.page(LETTERS, "by_status", {"status": "dead", "reason": reason}, limit=_PAGE)
            for letter in page.documents:
                await self.replay(letter.id, by=by)
            marked += len(page.documents)
            if page.cursor is None:
                return marked

    async def discard(self, letter_id: str, *, by: str, reason: str) -> dict[str, Any]:
        """Close an open letter for good; what is parked behind it flows."""

        def mark(letter: Document) -> None:
            letter.body |= {"status": "discarded", "closed_at": clock.timestamp()}

        return await self._act(letter_id, mark, {"act": "discard", "by": by, "reason": reason})

    async def _act(self, letter_id: str, mark: Callable[[Document], None], act: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_TRIES):
            letter = await self._load(letter_id)
            if letter.body["status"] not in {"dead", "replay"}:
                raise LetterClosed(f"The letter is {letter.body['status']} already.")
            mark(letter)
            letter.body["acts"] = [*letter.body.get("acts", []), {**act, "at": clock.timestamp()}]
            (result,) = await self._store.replace(LETTERS, [letter])
            if isinstance(result, Stored):
                return _summary(letter)
        raise StoreUnavailable("the letter keeps changing: try again")

    async def _load(self, letter_id: str) -> Document:
        letter = (await self._store.get(LETTERS, [letter_id])).get(letter_id)
        if letter is None:
            raise NoSuchLetter(f"There is no dead letter {letter_id[:120]!r} in this service.")
        return letter


def _summary(letter: Document) -> dict[str, Any]:
    return {"id": letter.id} | {name: letter.body.get(name) for name in _SUMMARY}


def _content(payload: str | None) -> dict[str, Any]:
    if payload is None:
        return {}
    value = base64.b64decode(payload)
    try:
        return {"data": orjson.loads(value)}
    except orjson.JSONDecodeError:
        return {"payload": payload}


def _mended(body: dict[str, Any], mending: Mending) -> dict[str, Any]:
    """The mended record, once it is sure that it can be understood and stays where it was."""
    if "payload" not in body:
        raise BadRecord("this is an event that waits in an outbox: it cannot be mended here")
    headers = {**body["headers"], **mending.headers}
    mended = {"payload": base64.b64encode(orjson.dumps(mending.data)).decode(), "headers": headers}
    event = from_record(received({**body, "mended": mended}))
    _understood(event, body)
    return mended


def _understood(event: Event, body: dict[str, Any]) -> None:
    catalog.read(event)
    if body["key"] is not None and event.subject != body["key"]:
        raise BadRecord(f"/headers/ce_subject: {event.subject[:60]!r} is not the record's key {body['key'][:60]!r}")
    if body["event_id"] is not None and event.id != body["event_id"]:
        raise BadRecord(f"/headers/ce_id: the event's id stays {body['event_id']!r}, so that a repeat of it is recognised")
