"""Intake's documents: one per message, with its claims, its outbox and how its case stands.

Claims, each unique: `t:` tracking code · `x:` channel and external id · `k:` channel and idempotency key. A match of
any of them is the same submission (DESIGN "Both keys claim"). Test keys claim under names of their own, `tx:` and `tk:`: a
real message never gets a test message's answer, nor is it amended by one.
"""

from typing import Any

from shared import ids
from shared.events import messages
from shared.events.catalog import MESSAGES
from shared.events.envelope import Event, to_record
from shared.log.port import Record
from shared.store.port import Collection, Document, Index, StoredEvent

SOURCE = "/services/intake"

COLLECTION = Collection(
    "messages",
    (Index("by_minute", ("minute",)), Index("awaiting", ("awaiting", "check_at")), Index("by_status", ("test", "status"))),
)
ACCESSES = Collection("contact_accesses", (Index("by_message", ("message_id", "at")),))
"""Who was given a citizen's contact, when and why."""
AWAITED, SETTLED, MISSING = 1, 0, 2
"""`awaiting`: nothing heard yet of a case that holds its last revision · heard · nothing heard after the last try."""


def tracking_claim(code: str) -> str:
    """The claim of a tracking code, as it was given out."""
    return f"t:{code}"


def external_claim(channel: str, external_id: str, *, test: bool) -> str:
    """The claim of a channel's own id."""
    return f"{'tx' if test else 'x'}:{channel}/{external_id}"


def idempotency_claim(channel: str, key: str, *, test: bool) -> str:
    """The claim of an `Idempotency-Key`."""
    return f"{'tk' if test else 'k'}:{channel}/{key}"


def received_event(message: dict[str, Any], at: str, pack_version: str, traceparent: str | None) -> StoredEvent:
    """The event that a message was taken in, or amended; its data is the document's message at the time of publishing."""
    amended = message["revision"] > 1 and at != message["received_at"]
    kind = messages.AMENDED if amended else messages.RECEIVED
    event: StoredEvent = {
        "id": ids.event_id(f"{message['id']}/{message['revision']}", kind),
        "type": kind,
        "time": at,
        "pack": pack_version,
    }
    return event | {"traceparent": traceparent} if traceparent else event


def to_records(document: Document, event: StoredEvent) -> list[Record]:
    """The records of one event of a message's outbox; a fresh message is offered to the relay with its record ready."""
    if "record" in event:
        return [event["record"]]
    return [
        to_record(
            Event(
                id=event["id"], type=event["type"], source=SOURCE, subject=document.id, time=event["time"],
                data=document.body["message"], sequence=event["sequence"], pack_version=event["pack"],
                traceparent=event.get("traceparent"),
            ),
            MESSAGES,
        )
    ]  # fmt: skip
