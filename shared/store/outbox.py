"""The outbox: events wait in the tail of the document that gave rise to them, until the relay has put them on the log.

`append` numbers them, `save` writes the document (and copies to `EVENTS` what its tail drops), `Relay` (in `shared.store.relay`)
publishes and then marks. A crash between the two repeats events, in order; nothing ever skips one.
"""

from collections.abc import Iterable, Sequence

from shared.store.port import Collection, Conflict, Document, Duplicate, Index, Store, Stored, StoredEvent
from shared.store.relay import Relay

__all__ = ["EVENTS", "KEPT", "Relay", "append", "history", "save"]

KEPT = 50
"""Published events that stay in a tail."""
EVENTS = Collection("events", (Index("by_document", ("document", "sequence")),))
"""The published events that tails have dropped. Its owner prepares it beside its own collections; document ids must
differ over all collections of a service that have an outbox."""


def append(document: Document, events: Iterable[StoredEvent]) -> None:
    """Number these events after the document's last and add them to its tail; the passed events stay as they are."""
    for event in events:
        document.sequence += 1
        document.tail.append({**event, "sequence": document.sequence})


async def save(store: Store, collection: Collection, documents: Sequence[Document]) -> list[Stored | Duplicate | Conflict]:
    """Replace the documents, each tail trimmed to what is not published yet and the last `KEPT` that are.

    What a tail drops is in `EVENTS` before the document is written; that is harmless when the write is refused.
    """
    dropped = [(document, event) for document in documents for event in _trim(document)]
    if dropped:
        await store.insert(EVENTS, [_copy(document, event) for document, event in dropped])
    return await store.replace(collection, documents)


async def history(store: Store, document: Document) -> list[StoredEvent]:
    """Every event of a document, in order."""
    events: dict[int, StoredEvent] = {}
    cursor = None
    while True:
        page = await store.page(EVENTS, "by_document", {"document": document.id}, limit=500, after=cursor)
        events.update((copy.body["sequence"], copy.body["event"]) for copy in page.documents)
        if (cursor := page.cursor) is None:
            break
    events.update((event["sequence"], event) for event in document.tail)
    return [events[sequence] for sequence in sorted(events)]


def _trim(document: Document) -> list[StoredEvent]:
    first = document.published - KEPT + 1
    dropped = [event for event in document.tail if event["sequence"] < first]
    document.tail = [event for event in document.tail if event["sequence"] >= first]
    return dropped


def _copy(document: Document, event: StoredEvent) -> Document:
    sequence = event["sequence"]
    return Document(f"{document.id}/{sequence:08}", {"document": document.id, "sequence": sequence, "event": event})
