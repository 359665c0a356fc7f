"""From texts to hashed n-grams, a whole batch at once and without a Python loop over characters.

A token is one Han character (or any letter of a script that writes no spaces), a whole word of a script that does, a number, or
`?` and `!`. A feature is a run of one to four tokens that no punctuation interrupts: character n-grams in Chinese, word n-grams in
English, and neither needs a dictionary. Hashes are 32 bits of fixed arithmetic: the same on every machine.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.classifier.model import Text

Codes: TypeAlias = NDArray[np.uint32]
Indices: TypeAlias = NDArray[np.intp]

ORDERS = 4
"""The longest n-gram, in tokens."""
HEAD, TAIL, TITLE = 4_000, 1_000, 200
"""How many characters are read of a text's beginning and end and of a title: a letter says what it is about at its ends, and
one pasted file must not cost what a thousand messages cost."""

BREAK, SKIP, SYMBOL, LETTER, DIGIT = range(5)
_STEM = 8
"""Only so many characters of a word count, so that `collect`, `collected` and `collection` differ little: a stemmer in one line."""
_MASK = re.compile(r"\[[^\[\]\s\d]{1,12}\d{1,4}\]")
"""What intake puts in the place of personal data, such as `[电话1]`: it must not be read as a word about telephones."""
_PRIME, _MIX = np.uint32(0x01000193), np.uint32(0x9E3779B1)
_POWERS = np.array([pow(0x85EBCA6B, i, 1 << 32) for i in range(_STEM)] + [0], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a batch, in order; `starts` and `ends` point into the normalised stream."""

    stream: Codes
    symbols: Codes
    starts: Indices
    ends: Indices
    segment: Indices
    """Grows at every interruption; two tokens with the same one may share an n-gram."""
    document: Indices
    is_word: NDArray[np.bool_]
    """Neither a number nor a question mark."""
    text_starts: Indices
    """Where each document's text begins in the stream, behind its title."""
    text_lengths: Indices
    """The length of each text as given, before it was cut."""


@dataclass(frozen=True, slots=True)
class Grams:
    """Every occurrence of every n-gram: its hash, its first token and its length in tokens."""

    hashes: Codes
    first: Indices
    size: NDArray[np.int8]


def tokenize(items: Sequence[Text]) -> Tokens:
    """Normalise and split a batch. The title is read twice, since its few words say more than as many in the text."""
    titles = [item.title[:TITLE] for item in items]
    texts = [_cut(item.text) for item in items]
    joined = "".join([f"{title}\n{title}\n{text}\n" for title, text in zip(titles, texts, strict=True)])
    raw = np.frombuffer(_unmask(joined).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    title_lengths = np.fromiter(map(len, titles), np.intp, len(items))
    cut_lengths = np.fromiter(map(len, texts), np.intp, len(items))
    document_ends = np.cumsum(2 * title_lengths + cut_lengths + 3)
    stream, classes = _normalise(raw)
    starts, ends, symbols = _split(stream, classes)
    return Tokens(
        stream=stream,
        symbols=symbols,
        starts=starts,
        ends=ends,
        segment=np.cumsum(classes == BREAK)[starts],
        document=np.searchsorted(document_ends, starts, side="right"),
        is_word=(classes[starts] == LETTER) | ((classes[starts] == SYMBOL) & (stream[starts] > 0x7F)),
        text_starts=document_ends - cut_lengths - 1,
        text_lengths=np.fromiter((len(item.text) for item in items), np.intp, len(items)),
    )


def grams(tokens: Tokens) -> Grams:
    """The n-grams of one to four tokens, by a rolling hash over all tokens at once."""
    count = len(tokens.symbols)
    rolling = tokens.symbols * _MIX
    hashes, firsts = [rolling], [np.arange(count)]
    for size in range(2, ORDERS + 1):
        rolling = rolling[:-1] * _PRIME + tokens.symbols[size - 1 :] if count >= size else rolling[:0]
        whole = np.flatnonzero(tokens.segment[: len(rolling)] == tokens.segment[count - len(rolling) :])
        hashes.append(rolling[whole] * np.uint32(2 * size + 1))
        firsts.append(whole)
    sizes = np.repeat(np.arange(1, ORDERS + 1, dtype=np.int8), [len(part) for part in firsts])
    return Grams(_finish(np.concatenate(hashes)), np.concatenate(firsts), sizes)


def normalise(text: str) -> str:
    """Lower case, half width, punctuation as spaces; as long as the text given. For names that are searched in texts."""
    return decode(_normalise(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32))[0])


def decode(stream: Codes) -> str:
    """A normalised stream as a string in which one character is one place of the stream."""
    return stream.tobytes().decode("utf-32-le", "surrogatepass")


def offset_in_text(place: int, length: int) -> int:
    """Where a place of the (perhaps cut) text lies in the text as given, which has this length."""
    return place if place <= HEAD or length <= HEAD + TAIL else place + length - HEAD - TAIL - 1


def _cut(text: str) -> str:
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _unmask(text: str) -> str:
    return _MASK.sub(lambda match: " " * len(match[0]), text) if "[" in text else text


def _normalise(raw: Codes) -> tuple[Codes, NDArray[np.uint8]]:
    """Each character's normal form and class, by table; beyond the basic plane only Han characters are letters."""
    forms, classes = _tables()
    low = np.minimum(raw, 0xFFFF)
    stream, kinds = forms[low], classes[low]
    high = raw > 0xFFFF
    if high.any():
        han = high & (raw >= 0x20000) & (raw < 0x40000)
        stream[high], kinds[high] = 0x20, BREAK
        stream[han], kinds[han] = raw[han], SYMBOL
    return stream, kinds


def _split(stream: Codes, classes: NDArray[np.uint8]) -> tuple[Indices, Indices, Codes]:
    """Starts, ends and symbols of the tokens: a symbol alone, letters and digits in runs."""
    in_word = classes >= LETTER
    begins = classes == SYMBOL
    begins[1:] |= in_word[1:] & ~in_word[:-1]
    begins[:1] |= in_word[:1]
    starts = np.flatnonzero(begins)
    if not len(starts):
        return starts, starts, stream[:0]
    place = np.arange(len(stream)) - starts[np.maximum(np.cumsum(begins) - 1, 0)]
    inside = begins | in_word
    letters = np.where(inside, stream * _POWERS[np.clip(place, 0, _STEM)], np.uint32(0))
    symbols = np.add.reduceat(letters, starts, dtype=np.uint32)
    lengths = np.add.reduceat(inside.astype(np.intp), starts)
    return starts, starts + lengths, symbols


def _finish(hashes: Codes) -> Codes:
    """Spread the bits, since the upper ones become the place in the vocabulary's table."""
    mixed = (hashes ^ (hashes >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    return mixed ^ (mixed >> np.uint32(13))


@lru_cache(maxsize=1)
def _tables() -> tuple[Codes, NDArray[np.uint8]]:
    """Normal form and class of every character of the basic plane."""
    pairs = [_form_and_class(code) for code in range(0x10000)]
    forms, classes = zip(*pairs, strict=True)
    return np.array(forms, dtype=np.uint32), np.array(classes, dtype=np.uint8)


def _form_and_class(code: int) -> tuple[int, int]:
    form = unicodedata.normalize("NFKC", chr(code)).lower()
    char = form if len(form) == 1 else chr(code)
    kind = _class(char)
    return (0x20 if kind in (BREAK, SKIP) else ord(char), kind)


def _class(char: str) -> int:
    category: Any = unicodedata.category(char)
    if char in "?!":
        return SYMBOL
    if category == "Nd":
        return DIGIT
    if category[0] in "LM":
        return SYMBOL if category == "Lo" and ord(char) >= 0x0E00 else LETTER
    return SKIP if char in " \t\u3000" or category in ("Cf", "Zs") else BREAK
