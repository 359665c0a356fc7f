"""What every part of a pack is made of: frozen models, texts in both languages, and the shapes of codes."""

from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

CategoryCode: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+){0,2}$", max_length=100)]
"""A path such as `housing.property`: each part is a level, first to third."""
Code: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
RegionCode: TypeAlias = Annotated[str, Field(pattern=r"^\d{6}(\d{3}|\d{6})?$")]
"""GB/T 2260 (six digits) or its extension to streets (nine) and communities (twelve)."""
Level: TypeAlias = Literal["city", "district"]


class Part(BaseModel):
    """What every part of a pack has in common: frozen, and no field that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Text(Part):
    """A text shown to people, in both of the product's languages."""

    zh: str = ""
    en: str = ""

    def __str__(self) -> str:
        """The Chinese text, or the English one where there is none."""
        return self.zh or self.en
