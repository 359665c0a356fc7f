"""From what was posted to the document that is stored: tidied, masked, sealed, with its event. CPU only, no I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.intake import rules, store, tracking
from services.intake.links import links
from services.intake.masking import Kind, Masked, Masker
from services.intake.model import MAX_MASKED_BYTES, Citizen, Submission
from services.intake.sealing import Hasher, Sealer
from shared import clock, ids
from shared.http.problems import Problem, fault
from shared.pack.model import Pack
from shared.store.port import Document

_IDENTIFIERS: tuple[Kind, ...] = ("phone", "resident_id", "email", "account")
"""Of a citizen, the strongest first: the first one given makes the pseudonym."""
_NOBODY = Citizen()
_SMALL = MAX_MASKED_BYTES // 8
"""What was posted in so few bytes is not over the limit when it is masked: a placeholder is never eight times its value."""


class Draft(NamedTuple):
    """A submission whose form is right and whose channel the key allows."""

    submission: Submission
    channel: str
    raw: bytes
    """The posted object in canonical JSON: what a repeat is compared by."""
    idempotency_key: str | None = None
    test: bool = False
    traceparent: str | None = None


class Preparer:
    """Makes documents. Holds the keys, so that nobody else needs them; safe to use from several threads."""

    def __init__(self, pack: Pack, sealer: Sealer, hasher: Hasher, *, reconcile_after: float) -> None:
        self.pack, self._sealer, self._hasher = pack, sealer, hasher
        self._masker = Masker(reserved_mobile=pack.city.reserved.mobile)
        self._reconcile_after = reconcile_after

    @property
    def pack_version(self) -> str:
        """The version of the pack whose codes the messages use."""
        return self.pack.city.version

    def prepare(self, draft: Draft) -> Document | Problem:
        """A new document for this draft, or why it cannot be taken."""
        moment = clock.now()
        code = tracking.new_code(moment)
        received_at = clock.timestamp(moment)
        base = self._content(draft, ids.new_id(), received_at)
        if isinstance(base, Problem):
            return base
        body = base | self._standing(moment, received_at, test=draft.test) | {"tracking_code": code}
        event = store.received_event(body["message"], body["received_at"], self.pack_version, draft.traceparent)
        return Document(
            id=body["message"]["id"], body=body, keys=(store.tracking_claim(code), *self.claims(draft)),
            tail=[event | {"sequence": 1}], sequence=1,
        )  # fmt: skip

    def amend(self, draft: Draft, document: Document) -> Problem | None:
        """Put the new revision in the document's place of the old one; the sealed old one is kept."""
        body = document.body
        content = self._content(draft, document.id, body["received_at"])
        if isinstance(content, Problem):
            return content
        body["earlier"] = [*body.get("earlier", []), {"revision": body["message"]["revision"], "sealed": body["sealed"]}]
        body["fingerprints"] |= content.pop("fingerprints")
        body |= content
        if body["status"] != "dead":  # a dead letter is waited for by an operator, who knows of it
            body |= self._awaited(clock.now())
        document.keys = tuple(dict.fromkeys([*document.keys, *self.claims(draft)]))
        return None

    def claims(self, draft: Draft) -> tuple[str, ...]:
        """What this submission may be known by."""
        external, key = draft.submission.external_id, draft.idempotency_key
        claims = [store.external_claim(draft.channel, external, test=draft.test)] if external else []
        return (*claims, *([store.idempotency_claim(draft.channel, key, test=draft.test)] if key else []))

    def fingerprints(self, draft: Draft) -> dict[str, str]:
        """Per claim and revision, the keyed hash of the body that made it."""
        names = [f"r:{draft.submission.revision}"] if draft.submission.external_id else []
        names += [store.idempotency_claim(draft.channel, key, test=draft.test)] if (key := draft.idempotency_key) else []
        return dict.fromkeys(names, self._hasher.fingerprint(draft.raw)) if names else {}

    def links(self, documents: Sequence[Document]) -> list[Document]:
        """The links between identifiers that these messages are evidence for."""
        return links([one for one in documents if len(one.body["message"]["identifiers"]) > 1], self._hasher)

    def _content(self, draft: Draft, message_id: str, received_at: str) -> dict[str, Any] | Problem:
        submission = draft.submission
        tidied = rules.tidy(submission, self.pack.region_by_code)
        place = tidied.place or rules.Where()
        parts = {
            "title": tidied.title, "text": tidied.text, "address": place.address, "region": place.region,
            "category_hint": tidied.category_hint, "extra": tidied.extra,
        }  # fmt: skip
        masked = self._masker.mask(parts, _own(submission.citizen), language=tidied.language or self.pack.city.language)
        message = self._message(draft, tidied, masked, message_id, received_at)
        if len(draft.raw) > _SMALL and (size := len(orjson.dumps(message))) > MAX_MASKED_BYTES:
            return _too_large(size)
        return {
            "message": message,
            "sealed": self._sealer.seal(self._original(submission, masked, draft.raw), message_id),
            "fingerprints": self.fingerprints(draft),
        }

    def _message(self, draft: Draft, tidied: rules.Tidied, masked: Masked, message_id: str, received_at: str) -> dict[str, Any]:
        submission, citizen = draft.submission, draft.submission.citizen or _NOBODY
        identifiers = [] if citizen.anonymous else self._identifiers(citizen)
        return {
            "id": message_id,
            "channel": draft.channel,
            "external_id": submission.external_id,
            "revision": submission.revision,
            "title": masked.parts["title"],
            "text": masked.parts["text"],
            "submitted_at": tidied.submitted_at,
            "received_at": received_at,
            "place": _place(tidied.place, masked.parts),
            "category_hint": masked.parts["category_hint"],
            "language": tidied.language,
            "extra": masked.parts["extra"],
            "flags": tidied.flags,
            "citizen": self._hasher.pseudonym(identifiers[0]) if identifiers else None,
            "identifiers": identifiers,
            "organisation": citizen.kind == "organisation",
            "anonymous": citizen.anonymous,
            "confidential": citizen.confidential,
            "test": draft.test,
        }

    def _identifiers(self, citizen: Citizen) -> list[str]:
        given = ((kind, getattr(citizen, kind)) for kind in _IDENTIFIERS)
        hashed = (self._hasher.identifier(kind, value) for kind, value in given if value)
        return [identifier for identifier in hashed if identifier]

    def _original(self, submission: Submission, masked: Masked, raw: bytes) -> bytes:
        citizen = submission.citizen.model_dump(exclude_none=True) if submission.citizen else None
        found = {item.placeholder: item.value for item in masked.found}
        return orjson.dumps({"citizen": citizen, "placeholders": found, "posted": raw.decode()})

    def _standing(self, moment: datetime, received_at: str, *, test: bool) -> dict[str, Any]:
        """How a new message stands: nothing is heard of its case yet."""
        return {
            "received_at": received_at,
            "minute": received_at[:16],
            "test": int(test),
            "status": "received",
            "case": None,
            "history": [],
            **self._awaited(moment),
        }

    def _awaited(self, moment: datetime) -> dict[str, Any]:
        """From now on something is to be heard of its case."""
        return {"awaiting": store.AWAITED, "check_at": int(moment.timestamp() + self._reconcile_after), "tries": 0}


def _own(citizen: Citizen | None) -> list[tuple[Kind, str]]:
    """The citizen's own contact, masked wherever the text repeats it."""
    if citizen is None:
        return []
    kinds: tuple[Kind, ...] = ("name", *_IDENTIFIERS)
    return [(kind, value) for kind in kinds if (value := getattr(citizen, kind))]


def _place(place: rules.Where | None, masked: Mapping[str, Any]) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"address": masked["address"], "region": masked["region"], "lon": place.lon, "lat": place.lat}


def _too_large(size: int) -> Problem:
    detail = (
        f"The message is {size:,} bytes as masked JSON; the limit is {MAX_MASKED_BYTES:,} (256 KB). "
        "Shorten the text, or send the rest as attachments by reference in extra."
    )
    return Problem(413, "too-large", detail, errors=[fault("/text", detail)], limit_bytes=MAX_MASKED_BYTES)
