"""What a channel is told of a message that was taken in."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from shared.http.problems import Problem
from shared.observability import metrics
from shared.store.port import Document


class Receipt(NamedTuple):
    """A stored message, as far as its answer needs it."""

    id: str
    tracking_code: str
    channel: str
    flags: Sequence[str]
    repeatable: bool
    """Whether it is known by a key or an external id: posted again, it is recognised."""


def receipt(document: Document) -> Receipt:
    """The receipt of a message's document."""
    body, message = document.body, document.body["message"]
    return Receipt(document.id, body["tracking_code"], message["channel"], message["flags"], bool(body["fingerprints"]))


class Taken(NamedTuple):
    """A submission that is stored: for the first time, or as a repeat of one that is."""

    receipt: Receipt
    repeated: bool


Outcome: TypeAlias = Taken | Problem


def answer(outcome: Taken, base_url: str) -> dict[str, Any]:
    """The body of a 202: the same for the first submission and for every repeat of it."""
    identifier, code, _, flags, repeatable = outcome.receipt
    told: dict[str, Any] = {
        "id": identifier,
        "tracking_code": code,
        "status": "received",
        "links": {"self": f"{base_url}/v1/messages/{identifier}", "track": f"{base_url}/v1/track/{code}"},
    }
    if flags:
        told["flags"] = flags
    if not repeatable:
        told["safe_to_repeat"] = False
        told["hint"] = "Posted again, this would be a second message: send an Idempotency-Key or an external_id."
    return told


def count(outcome: Outcome) -> None:
    """Count what became of a message."""
    if isinstance(outcome, Problem):
        metrics.child(metrics.REFUSED, outcome.slug).inc()
    else:
        metrics.child(metrics.REPEATED if outcome.repeated else metrics.ACCEPTED, outcome.receipt.channel).inc()
