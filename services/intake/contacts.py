"""Giving out a citizen's contact: to whom it may be given, with a reason, and never without a record of it."""

from typing import Any

import orjson

from services.intake.sealing import Sealer
from services.intake.store import ACCESSES
from shared import clock, ids
from shared.http.auth import Key
from shared.http.problems import Problem, fault
from shared.observability import logging
from shared.store.port import Document, Store

_log = logging.get(__name__)
_SHORTEST_REASON, _LONGEST_REASON = 2, 500


class Contacts:
    """The only door to what is sealed."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store, self._sealer = store, sealer

    async def give(self, document: Document, key: Key, reason: str, placeholder: str | None) -> dict[str, Any]:
        """The contact, or what one placeholder stands for. The record is durable before anything is given."""
        _check_reason(reason)
        _check_allowed(document, key)
        sealed = orjson.loads(self._sealer.unseal(document.body["sealed"], document.id))
        given = _one(sealed["placeholders"], placeholder) if placeholder else {"citizen": sealed["citizen"]}
        await self._record(document, key, reason.strip(), placeholder or "contact")
        return {"message_id": document.id, **given}

    async def _record(self, document: Document, key: Key, reason: str, what: str) -> None:
        body = {
            "message_id": document.id,
            "at": clock.timestamp(),
            "key": key.name,
            "role": key.role,
            "what": what,
            "reason": reason,
        }
        await self._store.insert(ACCESSES, [Document(ids.new_id(), body)])
        _log.info("contact_given", message=document.id, key=key.name, what=what)


def _check_reason(reason: str) -> None:
    if not _SHORTEST_REASON <= len(reason.strip()) <= _LONGEST_REASON:
        length = f"{_SHORTEST_REASON} to {_LONGEST_REASON} characters"
        detail = f"Say why you need it, in {length}: ?reason=…; it is kept with your key's name."
        raise Problem(422, "reason-missing", detail, errors=[fault("query/reason", detail)])


def _check_allowed(document: Document, key: Key) -> None:
    message = document.body["message"]
    if message["anonymous"]:
        raise Problem(403, "anonymous", "The citizen asked to stay anonymous: the contact is given to nobody.")
    if message["confidential"] and key.role != "operator":
        raise Problem(403, "confidential", "The citizen asked for confidence: only an operator may have the contact.")


def _one(placeholders: dict[str, str], wanted: str) -> dict[str, Any]:
    if wanted not in placeholders:
        known = ", ".join(placeholders) or "none"
        raise Problem(404, "no-such-placeholder", f"{wanted[:40]!r} is not in this message; there are: {known}.")
    return {"placeholder": wanted, "value": placeholders[wanted]}
