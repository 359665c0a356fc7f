"""Events of a case: what happens to it from its opening to its end."""

from typing import Literal, TypeAlias

from shared.events.messages import Classification, Data, Message
from shared.events.words import Disposition

OPENED = "yijian.case.opened.v1"
TRIAGED = "yijian.case.triaged.v1"
DECIDED = "yijian.case.decided.v1"
ROUTED = "yijian.case.routed.v1"
ACCEPTED = "yijian.case.accepted.v1"
RETURNED = "yijian.case.returned.v1"
RESOLVED = "yijian.case.resolved.v1"
AMENDED = "yijian.case.amended.v1"

State: TypeAlias = Literal[
    "triage", "routed", "accepted", "resolved", "joined", "answered", "referred", "not_admitted", "withdrawn"
]
"""triage: an operator decides · routed: at a department that has not accepted it · accepted: in work there."""


class Why(Data):
    """The named rule that decided, in words."""

    rule: str
    zh: str
    en: str = ""


class Due(Data):
    """When the department is to have accepted and resolved it (RFC 3339), by which clock of the pack."""

    clock: str
    started_at: str
    accept_by: str
    resolve_by: str


class CaseEvent(Data):
    """What every event of a case tells: which case, and where it stands after the event."""

    case_id: str
    number: str
    """What people call it: `QT20261120-000123`."""
    message_id: str
    state: State
    disposition: Disposition
    department: str | None = None
    revision: int | None = None
    """Which revision of the message the case holds; None in events of versions that did not tell."""
    by: str = "router"
    """Who did it: a service, or the name of an API key."""
    test: bool = False


class Opened(CaseEvent):
    """A message has got its case."""


class Triaged(CaseEvent):
    """An operator has to decide; `reason` is a slug, `words` tells people."""

    reason: str
    words: str = ""


class Routed(CaseEvent):
    """A department has been given the case, with all that it needs to begin."""

    why: Why
    co: tuple[str, ...] = ()
    due: Due
    message: Message
    classification: Classification | None = None


class Accepted(CaseEvent):
    """The department has taken the case on; `due` is what it has time for from now on."""

    external_ref: str | None = None
    due: Due | None = None


class Returned(CaseEvent):
    """The department has given it back."""

    reason: str


class Resolved(CaseEvent):
    """The department has done its part; `reply` is for the citizen."""

    reply: str
    external_ref: str | None = None


class Decided(CaseEvent):
    """An operator has decided on a case in triage."""

    decision: Literal["department", "joined", "answered", "referred", "not_admitted"]
    reason: str = ""
    reply: str = ""
    joined_to: str | None = None
    """The case it was joined to."""
    referred_to: str | None = None
    """The statutory path, in words."""


class CaseAmended(CaseEvent):
    """The citizen's message has been amended; `message` is its new state."""

    message: Message
