"""A citizen is a link over identifiers: that two were given together is the evidence, and it can be undone.

Families share phones, so nothing is merged: each identifier keeps its own keyed hash, and a link says which message
told that they belong together.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from services.intake.sealing import Hasher
from shared.http.problems import Problem
from shared.store.port import Collection, Document, Index, Store, Stored

LINKS = Collection("citizen_links", (Index("by_citizen", ("citizen",)),))
_LIMIT = 100


def links(documents: Iterable[Document], hasher: Hasher) -> list[Document]:
    """The links that these messages are evidence for; each is the same document whenever it is seen again."""
    found: dict[str, Document] = {}
    for document in documents:
        message = document.body["message"]
        for one, other in pairwise(map(hasher.pseudonym, message["identifiers"])):
            body = {"citizen": one, "other": other, "message": message["id"], "at": message["received_at"], "undone": None}
            found.setdefault(f"{one}~{other}", Document(f"{one}~{other}", body))
    return list(found.values())


async def linked(store: Store, citizen: str) -> list[dict[str, Any]]:
    """The links of a pseudonym, undone ones too."""
    page = await store.page(LINKS, "by_citizen", {"citizen": citizen}, limit=_LIMIT)
    return [{"id": one.id, **one.body} for one in page.documents]


async def undo(store: Store, link_id: str, *, by: str, reason: str, at: str) -> dict[str, Any]:
    """Mark a link as wrong. Raises a 404 problem when there is none, 409 when it was changed at the same moment."""
    document = (await store.get(LINKS, [link_id])).get(link_id)
    if document is None:
        raise Problem(404, "no-such-link", f"There is no link {link_id[:80]!r}.")
    document.body["undone"] = {"by": by, "reason": reason, "at": at}
    (result,) = await store.replace(LINKS, [document])
    if not isinstance(result, Stored):
        raise Problem(409, "changed", "The link was changed by somebody else at the same moment: look at it again.")
    return {"id": document.id, **document.body}
