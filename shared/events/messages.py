"""Events of a message: what intake and the classifier say about it. Nothing personal is in them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.events.words import Kind, Urgency

RECEIVED = "yijian.message.received.v1"
AMENDED = "yijian.message.amended.v1"
CLASSIFIED = "yijian.message.classified.v1"
DEAD = "yijian.message.dead.v1"


class Data(BaseModel):
    """The data of an event: frozen. Fields of a later, compatible version are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Place(Data):
    """Where it is, as far as the citizen said; masked."""

    address: str | None = None
    region: str | None = None
    lon: float | None = None
    lat: float | None = None


class Message(Data):
    """A message as it leaves intake: masked, flagged, never sealed."""

    id: str
    channel: str
    external_id: str | None = None
    revision: int = 1
    title: str = ""
    text: str
    submitted_at: str | None = None
    received_at: str
    place: Place | None = None
    category_hint: str | None = None
    language: str | None = None
    extra: dict[str, Any] = {}
    flags: tuple[str, ...] = ()
    """What intake could not use as given, as slugs: `region_unknown`, `region_retired`, `submitted_at_unreadable`, …"""
    citizen: str | None = None
    """A pseudonym, the same over all channels; None when unknown or anonymous."""
    identifiers: tuple[str, ...] = ()
    """Keyed hashes (`phone:…`) that links between pseudonyms are made of; empty when anonymous."""
    organisation: bool = False
    anonymous: bool = False
    confidential: bool = False
    test: bool = False
    """Posted with a test key: ends at the test desk and in no figure."""


class Candidate(Data):
    """A category with its probability."""

    code: str
    probability: float


class Evidence(Data):
    """Words that decided: offsets count Unicode code points of the message's text."""

    start: int
    end: int
    text: str
    weight: float


class Classification(Data):
    """What a message is about, or why the model would not say."""

    category: str | None = None
    probability: float = 0.0
    runners_up: tuple[Candidate, ...] = ()
    path: tuple[str, ...] = ()
    """The category with its ancestors, first level first."""
    kind: Kind = "help"
    kind_probability: float = 0.0
    urgency: Urgency = "normal"
    region: str | None = None
    region_evidence: str | None = None
    why: tuple[Evidence, ...] = ()
    model_version: str
    abstained: str | None = None
    """The reason, as a slug, when the model would not decide."""


class Classified(Data):
    """A message with what it is about: all that the router needs."""

    message: Message
    classification: Classification


class MessageDead(Data):
    """A message's record could not be handled; it is kept as a dead letter by `service`."""

    message_id: Annotated[str, Field(min_length=1)]
    service: str
    letter: str
    reason: str
