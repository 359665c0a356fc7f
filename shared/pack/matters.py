"""What departments work with: matters that take several of them, reasons to return a case, and replies."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.words import Kind
from shared.pack.parts import CategoryCode, Code, Level, Part, Text


class Paper(Part):
    """What somebody has to bring."""

    name: Text
    on_file: bool = False
    """The administration has it already: nobody need bring it."""


class Item(Part):
    """One step of a matter, in the hands of one department."""

    code: Code
    name: Text
    function: Code
    level: Level = "city"
    order: Annotated[int, Field(ge=1)]
    """Items with the same number go on at the same time."""
    papers: tuple[Paper, ...] = ()
    days: Annotated[float, Field(ge=0, le=365)]


class Matter(Part):
    """One thing (一件事) as a citizen sees it, served by several departments."""

    code: Code
    name: Text
    for_: Annotated[Literal["person", "business"], Field(alias="for")]
    when_said: tuple[str, ...] = ()
    """What people say who need it."""
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    usual_categories: tuple[CategoryCode, ...] = ()


class ReturnReason(Part):
    """Why a department may give a case back."""

    code: Code
    name: Text
    needs: Literal["text", "function", "none"] = "text"
    """What it has to say besides: some words, whose it is, or nothing."""
    explains: Text = Text()


class Reply(Part):
    """A reply to begin with."""

    code: Code
    name: Text
    kind: tuple[Kind, ...] = ()
    """The kinds it suits; none given: all of them."""
    text: Text
