"""How a text is put this time: names swapped, greetings, details and sign-offs; what it is about stays as it was."""

import re
from collections.abc import Sequence
from functools import cache
from random import Random

from tools.simulate.bases import Base, Option
from tools.simulate.ground import Ground
from tools.simulate.plan import Phrases, Wording

_STOPS = '。！？!?….~）)”"』」'
_LASTED = re.compile(
    r"(?<![第初周零〇一二三四五六七八九十百\d.])([3-8三四五六七八])(天|个月|个多月|周|个礼拜|个星期|个小时)(?=了|没|多了|还没|过去)"
)
_CLOCK = re.compile(r"(晚上|夜里|凌晨|早上|下午)([二三四五])(点)(?![十一二三四五六七八九\d])")
_FIGURES = "二三四五六七八"
_OPENED, _DETAILED, _CLOSED, _HASTY = 0.6, 0.4, 0.5, 0.1


class Voice:
    """Puts a base in somebody's mouth. The same draw gives the same words."""

    def __init__(self, wording: Wording, ground: Ground, language: str) -> None:
        self._wording, self._ground, self._language = wording, ground, language
        self._fitting = cache(self._find)

    def say(
        self, rng: Random, base: Base, option: Option, *, channel: str, street: str, said: int
    ) -> tuple[str, str, str | None]:
        """Title, text, and the region that the words alone tell."""
        title, text = base.title, base.text
        for old, new in option.swap:
            title, text = title.replace(old, new), text.replace(old, new)
        region = option.region
        if "{" in text:
            text, region = self.fill(rng, text, street), street
        if base.language != self._language:
            return title, text, region
        text = _jitter(rng, text)
        parts = [self._before(rng, base, text, channel, said), text, self._after(rng, base, channel)]
        told, region = self._placed(rng, parts, region, street)
        joined = _joined(told, spaced=self._language != "zh")
        if channel in ("app", "wechat") and rng.random() < _HASTY:
            joined = joined.rstrip("。").replace("，", " ")
        return title, joined, region

    def _before(self, rng: Random, base: Base, text: str, channel: str, said: int) -> str:
        if said > 1 and (again := self._phrase(rng, "again", base, channel)):
            return again
        greeted = text.startswith(self._wording.greeted or ("\0",))
        return "" if greeted or rng.random() > _OPENED else self._phrase(rng, "openings", base, channel)

    def _after(self, rng: Random, base: Base, channel: str) -> str:
        detail = self._phrase(rng, "details", base, channel) if rng.random() < _DETAILED else ""
        closing = self._phrase(rng, "closings", base, channel) if rng.random() < _CLOSED else ""
        return _joined([detail, closing], spaced=self._language != "zh")

    def _phrase(self, rng: Random, part: str, base: Base, channel: str) -> str:
        texts = self._fitting(part, base.kind, channel)
        return texts[int(rng.random() * len(texts))] if texts else ""

    def _find(self, part: str, kind: str, channel: str) -> Sequence[str]:
        phrases: Sequence[Phrases] = getattr(self._wording, part)
        return [
            text
            for phrase in phrases
            if (not phrase.kinds or kind in phrase.kinds) and (not phrase.channels or channel in phrase.channels)
            for text in phrase.texts
        ]

    def _placed(self, rng: Random, parts: list[str], region: str | None, street: str) -> tuple[list[str], str | None]:
        """Fill {street} and {place}; where the text itself names a region, nothing may say another."""
        told = region
        for index in (0, 2):
            if "{" in parts[index]:
                if region is None:
                    parts[index] = self.fill(rng, parts[index], street)
                    told = street
                else:
                    parts[index] = ""
        return parts, told

    def fill(self, rng: Random, text: str, street: str) -> str:
        """Names of the street for {district}, {street} and {place}."""
        places = self._ground.places.get(street) or [self._ground.name(street)]
        district = self._ground.district(street) or street
        text = text.replace("{district}", self._ground.name(district)).replace("{street}", self._ground.name(street))
        return text.replace("{place}", places[int(rng.random() * len(places))])


def _joined(parts: Sequence[str], *, spaced: bool) -> str:
    """One after the other, each ended properly when something follows."""
    said = [part for part in parts if part]
    ended = [part if part[-1] in _STOPS or part[-1] in "，：:,、" else part + ("." if spaced else "。") for part in said[:-1]]
    return (" " if spaced else "").join([*ended, *said[-1:]])


def _jitter(rng: Random, text: str) -> str:
    """How long it has lasted and at what hour: one more or less changes nothing of what is meant."""
    text = _LASTED.sub(lambda match: _other(rng, match[1]) + match[2], text)
    return _CLOCK.sub(lambda match: match[1] + _other(rng, match[2]) + match[3], text)


def _other(rng: Random, figure: str) -> str:
    step = 1 if rng.random() < 0.5 else -1 if rng.random() < 0.5 else 0
    if figure.isascii():
        return str(max(2, int(figure) + step))
    return _FIGURES[max(1, min(len(_FIGURES) - 1, _FIGURES.index(figure) + step))]
