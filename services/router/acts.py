"""What departments and operators may ask of a case, as they write it in the body of a request. Pure."""

import unicodedata
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


def _printable(text: str) -> str:
    bad = next((char for char in text if unicodedata.category(char) == "Cc" and char not in "\n\r\t"), None)
    if bad is not None:
        raise ValueError(f"This holds the control character U+{ord(bad):04X}: remove it")
    return text


def _text(longest: int) -> tuple[StringConstraints, AfterValidator]:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest), AfterValidator(_printable)


Words: TypeAlias = Annotated[str, *_text(2_000)]
Letter: TypeAlias = Annotated[str, *_text(20_000)]
Reference: TypeAlias = Annotated[str, *_text(200)]


class _Act(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accept(_Act):
    """The department takes the case on."""

    external_ref: Reference | None = None
    """The department's own number for it."""


class Return(_Act):
    """The department gives the case back: it is not responsible, or lacks something."""

    reason: Words


class Resolve(_Act):
    """The department has done its part; `reply` goes to the citizen."""

    reply: Letter
    external_ref: Reference | None = None


class Decide(_Act):
    """An operator decides on a case in triage. Each decision needs fields of its own, see `NEEDS`."""

    decision: Literal["department", "joined", "answered", "referred", "not_admitted"]
    department: Reference | None = None
    case: Reference | None = None
    """The id or the number of the case to join."""
    reply: Letter | None = None
    to: Reference | None = None
    """The statutory path, in words."""
    reason: Words | None = None


Act: TypeAlias = Accept | Return | Resolve | Decide
NEEDS: dict[str, tuple[str, ...]] = {
    "department": ("department",),
    "joined": ("case",),
    "answered": ("reply",),
    "referred": ("to", "reason"),
    "not_admitted": ("reason",),
}
"""What each decision must say; a reason may always be given."""
NAMES: dict[type[_Act], str] = {Accept: "accept", Return: "return", Resolve: "resolve", Decide: "decide"}
"""What the state table calls each act."""


def mistakes(act: Decide) -> dict[str, str]:
    """What is wrong with a decision, by field: something it needs is missing, or belongs to another decision."""
    needed = NEEDS[act.decision]
    given = act.model_dump(exclude_none=True, exclude={"decision", "reason"})
    missing = {name: f"The decision {act.decision!r} needs this field: add it." for name in needed if getattr(act, name) is None}
    foreign = {name: f"This does not belong to the decision {act.decision!r}: remove it." for name in given if name not in needed}
    return missing | foreign
