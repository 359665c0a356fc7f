"""What the classifier is asked and what it answers: frozen values, no behaviour but what follows from them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.events.words import Kind, Urgency

Abstention: TypeAlias = Literal["uncertain", "too_short", "no_words", "foreign_language"]
"""Why a message goes to triage: the likeliest category is not likely enough · a single character · nothing but numbers, marks,
pictures or names of places · most words are unknown to the model, so it was written in another language."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message to classify, as intake masked it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category and how likely it is."""

    code: str
    probability: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that decided: a span of the text, in Unicode code points (the title is not counted)."""

    start: int
    end: int
    text: str
    weight: float
    """How much they speak for the category rather than for the next likely one."""


@dataclass(frozen=True, slots=True)
class Classification:
    """Everything the classifier says about one message."""

    category: str | None
    """Of the lowest level; of one above where only that is sure; None where the classifier abstains."""
    probability: float
    """Of `category`; of the likeliest candidate where it is None."""
    runners_up: tuple[Candidate, ...]
    """Up to three, likeliest first, without `category`: what it would have been otherwise."""
    path: tuple[str, ...]
    """From the first level to `category`; empty where it is None."""
    kind: Kind
    kind_probability: float
    urgency: Urgency
    region: str | None
    region_evidence: str | None
    """The name that gave the region away, as it stands in the title or text."""
    why: tuple[Evidence, ...]
    """Up to five, weightiest first."""
    model_version: str
    abstained: Abstention | None
