"""The words that make a message an emergency whatever the model thinks: a rule can be read, tested and trusted at night."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from services.classifier.alphabet import normalise
from services.classifier.words import pattern

_CLAUSE = 12
"""How far back, in characters, a calming word takes the alarm out of a word."""


@dataclass(frozen=True)
class Alarm:
    """The words of `emergency.yaml`, in normal form."""

    alone: tuple[str, ...]
    danger: tuple[str, ...]
    now: tuple[str, ...]
    calm: tuple[str, ...]

    @classmethod
    def of(cls, words: Mapping[str, Sequence[str]]) -> "Alarm":
        """From the lists of the file."""
        return cls(**{key: tuple(normalise(word) for word in words[key]) for key in ("alone", "danger", "now", "calm")})

    def ringing(self, normal: str, starts: Sequence[int], ends: Sequence[int]) -> list[bool]:
        """For each document of a normalised stream, which lies between these bounds: is it an emergency by the rules?"""
        rings = [False] * len(starts)
        document = 0
        for match in self._signs.finditer(normal):
            while match.start() >= ends[document]:
                document += 1
            rings[document] = rings[document] or self._counts(match, normal, starts[document], ends[document])
        return rings

    def _counts(self, match: re.Match[str], normal: str, start: int, end: int) -> bool:
        before = normal[max(start, match.start() - _CLAUSE) : match.start()].rsplit(" ", 1)[-1]
        if self._calming.search(before):
            return False
        return match[0] in self._enough or self._urging.search(normal, start, end) is not None

    @cached_property
    def _signs(self) -> re.Pattern[str]:
        return pattern((*self.alone, *self.danger))

    @cached_property
    def _enough(self) -> frozenset[str]:
        return frozenset(self.alone)

    @cached_property
    def _urging(self) -> re.Pattern[str]:
        return pattern(self.now)

    @cached_property
    def _calming(self) -> re.Pattern[str]:
        return pattern(self.calm)


def read_alarm(file: Path | None = None) -> Alarm:
    """The rules that ship with the classifier; training copies them into the model, so that its version covers them."""
    return Alarm.of(yaml.safe_load((file or Path(__file__).with_name("emergency.yaml")).read_text("utf-8")))
