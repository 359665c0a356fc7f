"""The departments' change feed: a projection of their topics, for those without Kafka or an address of their own.

A department's topic has one partition, so its offset is the feed's order and its cursor.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence

from services.router.model import Body
from shared import clock
from shared.events.catalog import department_topic
from shared.events.envelope import Event
from shared.events.messages import Data
from shared.failpoints import failpoint
from shared.log.loop import Incoming
from shared.runtime import wait_for
from shared.store.indexing import encode_cursor
from shared.store.port import BadCursor, Collection, Document, Index, Store

_BY_OFFSET = Index("by_offset", ("department", "offset"))
COLLECTION = Collection("feed", (_BY_OFFSET,))
_PREFIX = department_topic("")
_LOOK_AGAIN_SECONDS = 2.0
"""Another router may have written what is waited for here."""


class Feed:
    """Writes the feed, and reads it for departments."""

    def __init__(self, documents: Store) -> None:
        self._store = documents
        self._waiting: dict[str, asyncio.Event] = {}
        self._released = False

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Keep these events. What is there already is a repeat."""
        await failpoint("feed.store")
        await self._store.insert(COLLECTION, [_document(item) for item in batch])
        await failpoint("feed.stored")
        for department in {_department(item) for item in batch}:
            if arrived := self._waiting.pop(department, None):
                arrived.set()

    async def read(self, department: str, after: str | None, *, limit: int, wait: float) -> Body:
        """The events after this cursor, in order; waits up to `wait` seconds for the first. Raises `BadCursor`."""
        start = _offset(department, after) if after else -1
        give_up = clock.monotonic() + wait
        while True:
            arrived = self._waiting.setdefault(department, asyncio.Event())  # before looking, so that nothing slips between
            found = await self._after(department, start, limit)
            remaining = give_up - clock.monotonic()
            if found or remaining <= 0 or self._released:
                return _answer(department, start, found)
            await wait_for(arrived, min(remaining, _LOOK_AGAIN_SECONDS))

    def release(self) -> None:
        """Answer everybody who waits: the service stops."""
        self._released = True
        for arrived in self._waiting.values():
            arrived.set()

    async def _after(self, department: str, offset: int, limit: int) -> list[Document]:
        position = encode_cursor(COLLECTION, _BY_OFFSET, [department], [offset], _id(department, offset))
        page = await self._store.page(COLLECTION, _BY_OFFSET.name, {"department": department}, limit=limit, after=position)
        return page.documents


def _answer(department: str, start: int, found: Sequence[Document]) -> Body:
    items = [{"cursor": _cursor(department, one.body["offset"]), "event": one.body["event"]} for one in found]
    return {"items": items, "cursor": items[-1]["cursor"] if items else _cursor(department, start)}


def as_it_is(_: Event) -> Data:
    """Whatever its data are: a feed is its topic. An event that this version does not know, put aside and handed back later,
    would come to stand behind the cursors of those who read on."""
    return Data()


def _document(item: Incoming) -> Document:
    department, offset = _department(item), item.received.offset
    return Document(_id(department, offset), {"department": department, "offset": offset, "event": structured(item.event)})


def structured(event: Event) -> Body:
    """The event in CloudEvents' JSON format."""
    attributes: Body = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    attributes |= {"subject": event.subject, "time": event.time, "dataschema": f"urn:yijian:schema:{event.type}"}
    extensions = {"sequence": event.sequence, "packversion": event.pack_version, "traceparent": event.traceparent}
    attributes |= {name: value for name, value in extensions.items() if value is not None}
    return attributes | {"datacontenttype": "application/json", "data": event.data}


def _department(item: Incoming) -> str:
    return item.received.partition.topic.removeprefix(_PREFIX)


def _id(department: str, offset: int) -> str:
    return f"{department}/{offset:020}"


def _cursor(department: str, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{department}/{offset}".encode()).decode().rstrip("=")


def _offset(department: str, cursor: str) -> int:
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        owner, _, offset = text.rpartition("/")
        number = int(offset)
    except (ValueError, binascii.Error):
        raise BadCursor("this is no cursor of a change feed") from None
    if owner != department or _cursor(owner, number) != cursor or not -1 <= number < 2**63:
        raise BadCursor("this is no cursor of this department's change feed")
    return number
