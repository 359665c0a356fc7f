"""What a channel posts, as intake understands it. Pure: no I/O."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_MASKED_BYTES = 256 * 1024
"""The limit of a message as masked JSON: no record derived from it passes the log's limit."""
MAX_BATCH = 1000


def _text(value: Any) -> Any:
    """Numbers where a text is meant (an id typed as a number) are taken as text: nothing is lost by it."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Loose = Annotated[str, BeforeValidator(_text)]


class Posted(BaseModel):
    """Fields that are not known here are kept (under `extra`, but for the citizen's), never refused."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)


class Citizen(Posted):
    """Who speaks, as far as the channel knows, in known fields and in others. Sealed at rest, never published."""

    kind: Literal["person", "organisation"] = "person"
    name: Loose | None = Field(default=None, max_length=200)
    phone: Loose | None = Field(default=None, max_length=50)
    email: Loose | None = Field(default=None, max_length=254)
    account: Loose | None = Field(default=None, max_length=200)
    resident_id: Loose | None = Field(default=None, max_length=30)
    anonymous: bool = False
    """The citizen's identity is never given to anybody and no pseudonym is made of it."""
    confidential: bool = False
    """Only operators are given the citizen's contact."""


class PostedPlace(Posted):
    """Where it is. What cannot be used as given is kept under `extra` and flagged."""

    address: Loose | None = Field(default=None, max_length=2000)
    region: Loose | None = Field(default=None, max_length=200)
    lon: Any = None
    lat: Any = None


class Submission(Posted):
    """One message as posted. Only `text` is required (and `channel` where the key allows several)."""

    text: str
    title: Loose = ""
    channel: str | None = Field(default=None, max_length=60)
    external_id: Loose | None = Field(default=None, min_length=1, max_length=200)
    revision: int = Field(default=1, ge=1, le=1_000_000)
    submitted_at: Any = None
    citizen: Citizen | None = None
    place: PostedPlace | None = None
    category: Any = None
    language: Any = None
    extra: Any = None

    def unknown(self) -> dict[str, Any]:
        """The fields that this version does not know, by their dotted path; those of the citizen stay sealed with the rest."""
        parts = {"": self, "place.": self.place}
        return {
            prefix + name: value for prefix, part in parts.items() if part for name, value in (part.model_extra or {}).items()
        }
