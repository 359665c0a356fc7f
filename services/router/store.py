"""The router's documents: one per message, with its claims, its outbox and where it stands; and the case numbers.

Claims, each unique: `m:` message id · `n:` number.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from services.router.model import Body, NewEvent, Number, number
from shared import clock, ids
from shared.errors import StoreUnavailable
from shared.events.catalog import CASES, department_topic
from shared.events.envelope import Event, to_record
from shared.log.port import Record
from shared.pack.model import City
from shared.store import outbox
from shared.store.port import Collection, Document, Index, Store, Stored, StoredEvent

SOURCE = "/services/router"
COLLECTION = Collection(
    "cases",
    (
        Index("by_serial", ("serial",)),
        Index("by_disposition", ("disposition", "serial")),
        Index("by_state", ("state", "serial")),
        Index("by_department", ("department", "serial")),
        Index("by_department_state", ("department", "state", "serial")),
        Index("by_department_disposition", ("department", "disposition", "serial")),
        Index("by_account", ("test", "disposition")),
        Index("by_minute", ("minute",)),
        Index("by_abstained", ("abstained",)),
    ),
)
COUNTERS = Collection("counters")
_BLOCK = (64, 8192)
_TRIES = 50


def message_claim(message_id: str) -> str:
    """The claim of the message a case is about."""
    return f"m:{message_id}"


def number_claim(text: str) -> str:
    """The claim of a case number."""
    return f"n:{text}"


def new_document(case: Body) -> Document:
    """A case that is not stored yet."""
    return Document(case["id"], case, (message_claim(case["message_id"]), number_claim(case["number"])))


def append(
    document: Document, events: list[NewEvent], *, now: str, source: str | None = None, traceparent: str | None = None
) -> None:
    """Add events to the case's outbox. `source` is the id of the event they follow from; without one they follow from
    the case's last event, which an act on it is."""
    stored = []
    for place, event in enumerate(events, start=document.sequence + 1):
        origin = source or f"{document.id}/{place}"
        entry: StoredEvent = {"id": ids.event_id(origin, event.type), "type": event.type, "time": now, "data": event.data}
        entry |= {"to": list(event.to), "pack": document.body["pack"]}
        stored.append(entry | {"traceparent": traceparent} if traceparent else entry)
    outbox.append(document, stored)


def to_records(document: Document, event: StoredEvent) -> list[Record]:
    """The records of one event of a case: one for everybody, and one for each department that it concerns."""
    told = Event(
        id=event["id"], type=event["type"], source=SOURCE, subject=document.id, time=event["time"], data=event["data"],
        sequence=event["sequence"], pack_version=event["pack"], traceparent=event.get("traceparent"),
    )  # fmt: skip
    return [to_record(told, topic) for topic in (CASES, *map(department_topic, event["to"]))]


def refused(document: Document, event: StoredEvent, reason: str) -> Document:
    """The dead letter of an event that the log refuses for ever. Its case waits; all others flow on."""
    where: Body = {"group": "router-outbox", "topic": CASES, "partition": 0, "offset": event["sequence"], "key": document.id}
    what: Body = {"event_id": event.get("id"), "type": event.get("type"), "reason": "record-refused", "detail": reason[:2000]}
    standing: Body = {"status": "dead", "attempts": 1, "at": clock.timestamp()}
    return Document(f"router-outbox/{document.id}/{event['sequence']}", where | what | standing)


async def load(store: Store, ref: str) -> Document | None:
    """The case with this id or number."""
    claim = number_claim(ref.upper())
    return (await store.get(COLLECTION, [ref])).get(ref) or (await store.find(COLLECTION, [claim])).get(claim)


class Numbers:
    """Case numbers, unique over every router: each takes blocks of a day's count for itself (hi-lo).

    Blocks grow with the traffic, so that a quiet city loses few numbers at a restart and a busy one asks seldom.
    Not safe to use from two tasks at once.
    """

    def __init__(self, store: Store, city: City) -> None:
        self._store, self._prefix, self._zone = store, city.case_prefix or city.name[:2].upper(), ZoneInfo(city.timezone)
        self._day, self._size = "", _BLOCK[0]
        self._free = range(0)

    async def take(self, count: int, now: datetime) -> list[Number]:
        """The next numbers of the city's day."""
        self._turn_to(now.astimezone(self._zone).strftime("%Y%m%d"))
        taken: list[Number] = []
        while len(taken) < count:
            if not self._free:
                await self._allot()
            part, self._free = self._free[: count - len(taken)], self._free[count - len(taken) :]
            taken += [number(self._prefix, self._day, each) for each in part]
        return taken

    def skip(self) -> None:
        """Leave the rest of the block: its numbers are taken (a counter restored from an old copy)."""
        self._free = range(0)

    def _turn_to(self, day: str) -> None:
        if day != self._day:
            self._day, self._size, self._free = day, _BLOCK[0], range(0)

    async def _allot(self) -> None:
        counter_id = f"numbers/{self._day}"
        for _ in range(_TRIES):
            counter = (await self._store.get(COUNTERS, [counter_id])).get(counter_id) or Document(counter_id, {"next": 1})
            first = counter.body["next"]
            counter.body["next"] = first + self._size
            write = self._store.replace if counter.version else self._store.insert
            (result,) = await write(COUNTERS, [counter])
            if isinstance(result, Stored):
                self._free = range(first, first + self._size)
                self._size = min(self._size * 2, _BLOCK[1])
                return
        raise StoreUnavailable("every block of case numbers was taken by another router")
