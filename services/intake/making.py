"""What is done off the event loop with a request's messages: read, mask, seal; the recipe for the store's workshop.

What travels back to the doors is small: what the channel is told, the record for the log and the links between identifiers.
The document stays where it is made and written.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from services.intake import reading, store
from services.intake.answers import Receipt, receipt
from services.intake.preparing import Preparer
from services.intake.reading import Posting
from services.intake.sealing import Hasher, Sealer, Secrets
from shared.failpoints import failpoint_in_thread
from shared.http.problems import Problem
from shared.log.port import Record
from shared.pack.model import Pack
from shared.store.port import Document
from shared.store.workshop import Made


class Fresh(NamedTuple):
    """A message that is a document now, as far as the doors have to know it."""

    receipt: Receipt
    record: Record
    """Of the event that it was received."""
    links: Sequence[Document]
    """The links between identifiers that it is evidence for."""

    def offered(self) -> Document:
        """What the relay has to know to publish it: its only event, with the record ready."""
        return Document(self.receipt.id, {}, tail=[{"sequence": 1, "record": self.record}], sequence=1)


Told: TypeAlias = Problem | list[Fresh | Problem]
"""The problem of a body that cannot be read, else what became of each message; every `Fresh` is a document."""


class Recipe(NamedTuple):
    """What messages are prepared with. The keys are read where they are used, and their file is followed."""

    pack: Pack
    secrets: Path
    reconcile_after: float

    def preparer(self) -> Preparer:
        """It holds the keys."""
        secrets = Secrets(self.secrets)
        return Preparer(self.pack, Sealer(secrets), Hasher(secrets), reconcile_after=self.reconcile_after)

    def maker(self) -> Callable[[Posting], Made]:
        """Makes the documents of one request."""
        preparer = self.preparer()

        def make(posting: Posting) -> Made:
            failpoint_in_thread("preparer.asked")
            try:
                drafts = reading.drafts(posting, self.pack)
            except Problem as problem:
                return Made((), problem)
            prepared = [draft if isinstance(draft, Problem) else preparer.prepare(draft) for draft in drafts]
            failpoint_in_thread("preparer.prepared")
            told = [one if isinstance(one, Problem) else _fresh(one, preparer) for one in prepared]
            return Made([one for one in prepared if isinstance(one, Document)], told)

        return make


def _fresh(document: Document, preparer: Preparer) -> Fresh:
    (record,) = store.to_records(document, document.tail[0])
    return Fresh(receipt(document), record, preparer.links([document]))
