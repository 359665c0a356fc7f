"""Classifying off the event loop: masked messages in, events that say what they are about out."""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.classifier.inference import Classifier
from services.classifier.model import Classification, Text
from shared import clock, ids
from shared.events.catalog import CLASSIFIED as TOPIC
from shared.events.envelope import Event, to_record
from shared.events.messages import CLASSIFIED, Message
from shared.failpoints import failpoint
from shared.log.loop import Incoming
from shared.log.port import Log
from shared.observability import metrics

SOURCE = "/services/classifier"


class ClassifyBatch:
    """Handles messages: a batch is classified in a thread and published at once. It keeps no state."""

    def __init__(self, classifier: Classifier, log: Log) -> None:
        self._classifier, self._log = classifier, log

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Publish a `classified` event for each message. The same event twice gives the same event id."""
        texts = [_text(item) for item in batch]
        found = await asyncio.to_thread(self._classifier.classify, texts)
        await failpoint("classifier.publish")
        await self._log.publish([to_record(_event(item, one), TOPIC) for item, one in zip(batch, found, strict=True)])
        await failpoint("classifier.published")
        for one in found:
            _count(one)


def as_data(found: Classification) -> dict[str, Any]:
    """The classification as it stands in events and answers."""
    return {
        "category": found.category,
        "probability": round(found.probability, 4),
        "runners_up": [{"code": one.code, "probability": round(one.probability, 4)} for one in found.runners_up],
        "path": list(found.path),
        "kind": found.kind,
        "kind_probability": round(found.kind_probability, 4),
        "urgency": found.urgency,
        "region": found.region,
        "region_evidence": found.region_evidence,
        "why": [{"start": e.start, "end": e.end, "text": e.text, "weight": round(e.weight, 4)} for e in found.why],
        "model_version": found.model_version,
        "abstained": found.abstained,
    }


def _text(item: Incoming) -> Text:
    assert isinstance(item.data, Message)  # noqa: S101 (the catalogue's topic holds no other model)
    return Text(title=item.data.title, text=item.data.text)


def _event(item: Incoming, found: Classification) -> Event:
    source = item.event
    return Event(
        id=ids.event_id(source.id, CLASSIFIED), type=CLASSIFIED, source=SOURCE, subject=source.subject, time=clock.timestamp(),
        data={"message": source.data, "classification": as_data(found)}, pack_version=source.pack_version,
        traceparent=source.traceparent,
    )  # fmt: skip


def _count(found: Classification) -> None:
    metrics.CLASSIFIED.labels(found.abstained or "decided").inc()
    if found.urgency == "emergency":
        metrics.EMERGENCIES.inc()
