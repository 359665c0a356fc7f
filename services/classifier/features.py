"""From texts to hashed n-grams: a whole batch at once, without a Python loop over characters.

A token is one Han character (or a letter of another script that writes no spaces), a whole word of a script that does, a number,
`?` or `!`, or the name of a place in the city, whichever it is. A feature is a run of one to four tokens that no punctuation
interrupts: character n-grams in Chinese, word n-grams in English, and neither needs a dictionary. Hashes are 32 bits of fixed
arithmetic, the same on every machine.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.classifier.alphabet import BREAK, DIGIT, LETTER, SKIP, SYMBOL, Codes, decode, encode, normalised
from services.classifier.model import Text
from services.classifier.words import Finder, pairs

Indices: TypeAlias = NDArray[np.int32]

ORDERS = 4
"""The longest n-gram, in tokens."""
HEAD, TAIL, TITLE = 4_000, 1_000, 200
"""How many characters are read of a text's beginning and end and of a title: a letter says what it is about at its ends, and
one pasted file must not cost what a thousand messages cost."""
READ_WHOLE = HEAD + TAIL
OPENING, LONG = 25, 75
"""A text of at least so many characters without a title opens with something like one: that much of it counts as one."""

_STEM = 8
"""Only so many characters of a word count: `collection` and `collections` are one, a stemmer in one line."""
_PLACE = 0xE000
"""The token that stands for any name of a place: a private code point, which as a character of a text would be a break."""
_MASK = re.compile(r"\[[^\[\]\s\d]{1,12}\d{1,4}\]")
"""What intake puts in the place of personal data, such as `[电话1]`: it must not be read as a word about telephones."""
_PRIME, _MIX = np.uint32(0x01000193), np.uint32(0x9E3779B1)
_POWERS = np.array([pow(0x85EBCA6B, i, 1 << 32) for i in range(_STEM)] + [0], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a batch, in order; `starts` and `ends` point into the stream of all its characters."""

    symbols: Codes
    starts: Indices
    ends: Indices
    segment: Indices
    """Grows at every interruption: tokens with the same one may share an n-gram."""
    document: Indices
    bounds_in_tokens: NDArray[np.intp]
    """For each document the number of tokens before its end."""
    is_word: NDArray[np.bool_]
    """Neither a number nor a mark nor a place."""
    is_opening: NDArray[np.bool_]
    """In the title, or where that would be."""
    text_starts: NDArray[np.int64]
    """Where each document's text begins in the stream, behind its title."""
    places: list[tuple[int, int]]
    """Spans of the names of places, in the stream."""
    written: str
    """All titles and texts, as they were given (but cut)."""
    normal: str
    """The same in normal form, character for character."""
    pairs: Codes
    """Of its characters, for finders."""
    bounds: list[int]
    """Where each document ends in the stream."""

    def totals(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The sum over the tokens of each document."""
        sums = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))[self.bounds_in_tokens]
        return np.diff(sums, prepend=0)


@dataclass(frozen=True, slots=True)
class Grams:
    """Every occurrence of every n-gram: its hash, its first token and its length in tokens."""

    hashes: Codes
    first: Indices
    size: NDArray[np.int8]


def tokenize(items: Sequence[Text], names: Finder) -> Tokens:
    """Normalise and split a batch."""
    titles = [item.title[:TITLE] for item in items]
    texts = [_cut(item.text) for item in items]
    written = "".join([f"{title}\n{text}\n" for title, text in zip(titles, texts, strict=True)])
    text_lengths = np.fromiter(map(len, texts), np.int64, len(items))
    bounds = np.cumsum(text_lengths + np.fromiter(map(len, titles), np.int64, len(items)) + 2)
    stream, classes = normalised(encode(_unmask(written)))
    normal, neighbours = decode(stream), pairs(stream)
    places = names.find(normal, neighbours)
    _hide(places, stream, classes)
    starts, ends, symbols = _split(stream, classes)
    bounds_in_tokens = np.searchsorted(starts, bounds)
    document = np.repeat(np.arange(len(items), dtype=np.int32), np.diff(bounds_in_tokens, prepend=0))
    return Tokens(
        symbols=symbols,
        starts=starts,
        ends=ends,
        segment=np.cumsum(classes == BREAK, dtype=np.int32)[starts],
        document=document,
        bounds_in_tokens=bounds_in_tokens,
        is_word=(classes[starts] < DIGIT) & (stream[starts] > 0x3F) & (stream[starts] != _PLACE),
        is_opening=starts < _openings(items, bounds - text_lengths - 1)[document],
        text_starts=bounds - text_lengths - 1,
        places=places,
        written=written,
        normal=normal,
        pairs=neighbours,
        bounds=bounds.tolist(),
    )


def grams(tokens: Tokens) -> Grams:
    """The n-grams of one to four tokens, by a rolling hash over all tokens at once."""
    count = len(tokens.symbols)
    rolling = tokens.symbols * _MIX
    hashes, firsts = [rolling], [np.arange(count, dtype=np.int32)]
    for size in range(2, ORDERS + 1):
        rolling = rolling[:-1] * _PRIME + tokens.symbols[size - 1 :] if count >= size else rolling[:0]
        whole = np.flatnonzero(tokens.segment[: len(rolling)] == tokens.segment[count - len(rolling) :]).astype(np.int32)
        hashes.append(rolling[whole] * np.uint32(2 * size + 1))
        firsts.append(whole)
    sizes = np.repeat(np.arange(1, ORDERS + 1, dtype=np.int8), [len(part) for part in firsts])
    return Grams(_spread(np.concatenate(hashes)), np.concatenate(firsts), sizes)


def characters_read(item: Text) -> int:
    """How much of an item is read, about."""
    return min(len(item.text), READ_WHOLE) + min(len(item.title), TITLE)


def offset_in_text(place: int, length: int) -> int:
    """Where a place of a text that was cut lies in the text as given, which has this length."""
    return place if place <= HEAD else place + length - READ_WHOLE - 1


def _openings(items: Sequence[Text], text_starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in the stream the opening of each document ends: its title, or the beginning of a long text without one."""
    untitled = [OPENING if not item.title and len(item.text) >= LONG else 0 for item in items]
    return text_starts + np.array(untitled, dtype=np.int64)


def _cut(text: str) -> str:
    return text if len(text) <= READ_WHOLE else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _unmask(text: str) -> str:
    return _MASK.sub(lambda match: " " * len(match[0]), text) if "[" in text else text


def _hide(spans: Iterable[tuple[int, int]], stream: Codes, classes: NDArray[np.uint8]) -> None:
    """Each name of a place becomes one token, so that no street is learned as a sign of some trouble."""
    for start, end in spans:
        stream[start], classes[start] = _PLACE, SYMBOL
        classes[start + 1 : end] = SKIP


def _split(stream: Codes, classes: NDArray[np.uint8]) -> tuple[Indices, Indices, Codes]:
    """Starts, ends and symbols of the tokens: a symbol stands alone, letters and digits in runs."""
    in_word = classes >= LETTER
    begins = classes == SYMBOL
    begins[1:] |= in_word[1:] & ~in_word[:-1]
    begins[:1] |= in_word[:1]
    starts = np.flatnonzero(begins).astype(np.int32)
    ends, symbols = starts + np.int32(1), stream[starts]
    words = np.flatnonzero(in_word[starts])
    if len(words):
        ends[words], symbols[words] = _words(stream, np.flatnonzero(in_word), begins, starts[words])
    return starts, ends, symbols


def _words(stream: Codes, letters: NDArray[np.intp], begins: NDArray[np.bool_], starts: Indices) -> tuple[Indices, Codes]:
    """End and hash of each word: a polynomial over its first characters."""
    first = np.flatnonzero(begins[letters])
    lengths = np.diff(first, append=len(letters))
    place = np.arange(len(letters)) - np.repeat(first, lengths)
    values = stream[letters] * _POWERS[np.minimum(place, _STEM)]
    return starts + lengths.astype(np.int32), np.add.reduceat(values, first, dtype=np.uint32)


def _spread(hashes: Codes) -> Codes:
    """Mix the bits, since the upper ones become the place in the vocabulary's table."""
    mixed = (hashes ^ (hashes >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    return mixed ^ (mixed >> np.uint32(13))
