"""What the clients know: every submission with all that was tried and answered, every act, every fault. The audit starts here."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared import clock


def stamp() -> float:
    """Seconds since the epoch, as the harness sees them."""
    return clock.now().timestamp()


@dataclass(slots=True)
class Attempt:
    """One try of a client and what came of it."""

    at: float
    what: str


@dataclass(slots=True)
class Submission:
    """One thing that a channel wants taken in, however often it has to say it."""

    number: int
    body: dict[str, Any]
    key: str | None
    began: float = field(default_factory=stamp)
    attempts: list[Attempt] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """The message ids of all its 202s."""
    revision: int = 1
    """The highest revision that was answered 202."""
    refused: str | None = None
    """An answer that says the submission is wrong; ours never are."""

    unexplained: str | None = None
    """An answer that does not say what went wrong."""

    def note(self, what: str) -> None:
        """Remember a try."""
        self.attempts.append(Attempt(stamp(), what))

    def accepted(self, message_id: str, revision: int) -> None:
        """Remember a 202."""
        self.answers.append(message_id)
        self.revision = max(self.revision, revision)
        self.note(f"202 {message_id}" + (f" revision {revision}" if revision > 1 else ""))

    @property
    def message_id(self) -> str | None:
        """What it is known by; None while there is no 202."""
        return self.answers[0] if self.answers else None


@dataclass(slots=True)
class Act:
    """Something a department or an operator did, as it was answered 200."""

    case_id: str
    name: str
    at: float = field(default_factory=stamp)


@dataclass(slots=True)
class Happened:
    """A fault: from when it was there, what it was, and how long it took until messages flowed again."""

    at: float
    what: str
    flowing_after: float | None = None


@dataclass(slots=True)
class Ledger:
    """Everything that was done to the system, from outside."""

    submissions: list[Submission] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    faults: list[Happened] = field(default_factory=list)

    def new(self, body: dict[str, Any], key: str | None) -> Submission:
        """A submission that nobody has tried yet."""
        submission = Submission(len(self.submissions), body, key)
        self.submissions.append(submission)
        return submission

    def happened(self, what: str) -> Happened:
        """Note a fault."""
        fault = Happened(stamp(), what)
        self.faults.append(fault)
        return fault

    def figures(self) -> dict[str, int]:
        """How much was tried and answered."""
        tries = Counter(attempt.what.partition(" ")[0] for one in self.submissions for attempt in one.attempts)
        return {"messages": len(self.submissions), "tries": sum(tries.values()), "accepted": tries["202"]}
