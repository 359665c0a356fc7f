"""What became of a replayed file: counted item by item, then held against itself. Pure: no I/O."""

from collections import Counter
from dataclasses import dataclass, field
from typing import get_args

from shared.events.words import Disposition

_SETTLED = frozenset(get_args(Disposition))
_KEPT_REASONS = 5
_ROWS = {"department": "routed", "triage": "in triage", "dead": "dead"}
"""The usual dispositions, always shown, in the words of the account; the others are shown when there are any."""


@dataclass(slots=True)
class Tally:
    """The account of one replay. Ids are kept until their messages are settled: about 100 bytes a message."""

    read: int = 0
    """Rows of the file."""
    unreadable: int = 0
    posted: int = 0
    """Rows that were answered one by one."""
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)
    """The first reasons of refusals, with their row numbers."""
    pending: Counter[str] = field(default_factory=Counter)
    """How many rows are the message of this id, for messages that are not settled yet."""
    dispositions: Counter[str] = field(default_factory=Counter)

    @property
    def not_yet(self) -> int:
        """Accepted rows whose case has no disposition so far."""
        return self.pending.total()

    def take(self, message_id: str, *, duplicate: bool) -> None:
        """A row was accepted, or is one that had been."""
        self.posted += 1
        self.accepted += not duplicate
        self.duplicates += duplicate
        self.pending[message_id] += 1

    def refuse(self, row: int, reason: str) -> None:
        """A row was posted and refused."""
        self.posted += 1
        self.refused += 1
        self._remember(row, reason)

    def skip(self, row: int, reason: str) -> None:
        """A row could not be read, so it was not posted."""
        self.unreadable += 1
        self._remember(row, reason)

    def settle(self, message_id: str, status: str) -> None:
        """Where the message of this id stands; a status that is no disposition leaves it pending."""
        if status in _SETTLED:
            self.dispositions[status] += self.pending.pop(message_id, 0)

    def mistakes(self, *, waited: bool) -> list[str]:
        """Why the account does not add up; empty when it does. Having waited, nothing may be `not yet`."""
        found = []
        if self.read != self.posted + self.unreadable:
            found.append(f"{self.read - self.posted - self.unreadable:,} rows were not posted")
        if self.posted != self.accepted + self.duplicates + self.refused:
            found.append("posted is not accepted + duplicates + refused")
        if self.accepted + self.duplicates != self.dispositions.total() + self.not_yet:
            found.append("accepted + duplicates is not the sum of where they are")
        if waited and self.not_yet:
            found.append(f"{self.not_yet:,} have no disposition yet")
        return found

    def lines(self) -> list[tuple[str, int]]:
        """The account, top down."""
        others = sorted(set(self.dispositions) - set(_ROWS))
        return [
            ("posted", self.posted),
            ("accepted", self.accepted),
            ("duplicates", self.duplicates),
            ("refused", self.refused),
            *([("unreadable", self.unreadable)] if self.unreadable else []),
            *((name, self.dispositions[code]) for code, name in _ROWS.items()),
            *((code.replace("_", " "), self.dispositions[code]) for code in others),
            ("not yet", self.not_yet),
        ]

    def _remember(self, row: int, reason: str) -> None:
        if len(self.reasons) < _KEPT_REASONS:
            self.reasons.append(f"row {row}: {reason}")
