"""How intake and router hold their books against each other: a question for each minute, and its answer."""

from typing import Annotated

from pydantic import Field

from shared.events.messages import Data

ASKED = "yijian.audit.asked.v1"
ANSWERED = "yijian.audit.answered.v1"
MOST_IDS = 500


class Asked(Data):
    """Of the messages accepted in this minute, how many have a case? With ids: which of these have none?"""

    minute: str
    """`2026-11-20T01:12`, UTC."""
    part: int | None = None
    """Which part of the minute's ids these are; None: the question is for count and XOR."""
    ids: Annotated[tuple[str, ...], Field(max_length=MOST_IDS)] = ()


class Answered(Data):
    """The cases of the messages that were accepted in this minute: their number and the XOR of their ids; which have none."""

    minute: str
    count: int
    xor: str
    part: int | None = None
    missing: tuple[str, ...] = ()
