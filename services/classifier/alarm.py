"""The words that make a message an emergency: a rule can be read, tested and trusted at night."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from services.classifier.alphabet import normalise
from services.classifier.features import Tokens
from services.classifier.words import Finder

_CLAUSE = 24
"""How far back, in characters, a calming word takes the alarm out of a sign."""
_CLAUSE_END = re.compile(r"\n| {2,}|(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")
"""In normal form punctuation is blanks: any blank beside a Chinese character, two of them between English words."""


SILENT, FAINT, DOUBTFUL, CERTAIN = range(4)
"""No sign · a danger · a danger and a word of haste · a sign that is enough by itself. On all but the last a model that has
learned emergencies has a say, each with a threshold of its own; without one, haste is enough."""


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

    def ringing(self, tokens: Tokens) -> list[int]:
        """For each document: how loudly the rules ring."""
        ends, rings = tokens.bounds, [SILENT] * len(tokens.bounds)
        urged = {bisect_right(ends, start) for start, _ in self._urging.find(tokens.normal, tokens.pairs)}
        for start, end in self._signs.find(tokens.normal, tokens.pairs):
            document = bisect_right(ends, start)
            loud = CERTAIN if tokens.normal[start:end] in self._enough else DOUBTFUL if document in urged else FAINT
            if loud > rings[document] and self._is_meant(tokens.normal, start):
                rings[document] = loud
        return rings

    def _is_meant(self, normal: str, sign: int) -> bool:
        """Whether nothing before the sign calms it in its clause."""
        return not self._calming.occurs(_CLAUSE_END.split(normal[max(0, sign - _CLAUSE) : sign])[-1])

    @cached_property
    def _signs(self) -> Finder:
        return Finder((*self.alone, *self.danger))

    @cached_property
    def _enough(self) -> frozenset[str]:
        return frozenset(self.alone)

    @cached_property
    def _urging(self) -> Finder:
        return Finder(self.now)

    @cached_property
    def _calming(self) -> Finder:
        return Finder(self.calm)


def read_alarm(file: Path | None = None) -> Alarm:
    """The rules that ship with the classifier; training copies them into the model, so that its version covers them."""
    return Alarm.of(yaml.safe_load((file or Path(__file__).with_name("emergency.yaml")).read_text("utf-8")))
