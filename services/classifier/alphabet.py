"""The normal form and the class of every character: lower case, half width, punctuation as blanks, always one for one.

The line feed stays, so that no name is found across the border of two texts."""

import unicodedata
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.uint32]

BREAK, SKIP, SYMBOL, LETTER, DIGIT = range(5)
"""Interrupts n-grams · is passed over · is a token by itself · is part of a word · is part of a number (or of a word)."""
VERSION = unicodedata.unidata_version
"""The tables follow from it, so it is part of a model's version."""


def encode(text: str) -> Codes:
    """A text as an array of code points; lone surrogates, which are no characters, pass."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def decode(codes: Codes) -> str:
    """The reverse of `encode`."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def normalise(text: str) -> str:
    """A text in normal form, as long as it was: for names that are searched in normalised texts."""
    return decode(normalised(encode(text))[0])


def normalised(raw: Codes) -> tuple[Codes, NDArray[np.uint8]]:
    """Each character's normal form and class, in arrays of one's own; beyond the basic plane only Han characters count."""
    form_table, class_table = _tables()
    low = np.minimum(raw, 0xFFFF)
    forms, classes = form_table[low], class_table[low]
    high = raw > 0xFFFF
    if high.any():
        han = high & (raw >= 0x20000) & (raw < 0x40000)
        forms[high], classes[high] = 0x20, BREAK
        forms[han], classes[han] = raw[han], SYMBOL
    return forms, classes


@lru_cache(maxsize=1)
def _tables() -> tuple[Codes, NDArray[np.uint8]]:
    """A constant that takes a tenth of a second to compute, so it is computed when first needed."""
    forms, classes = zip(*map(_form_and_class, range(0x10000)), strict=True)
    return np.array(forms, dtype=np.uint32), np.array(classes, dtype=np.uint8)


def _form_and_class(code: int) -> tuple[int, int]:
    form = unicodedata.normalize("NFKC", chr(code)).lower()
    char = form if len(form) == 1 else chr(code)
    kind = _class(char)
    return (0x20 if kind in (BREAK, SKIP) and char != "\n" else ord(char)), kind


def _class(char: str) -> int:
    category = unicodedata.category(char)
    if char in "?!":
        return SYMBOL
    if category == "Nd":
        return DIGIT
    if category == "Lo" and char >= "\u0e00":
        return SYMBOL
    if category[0] in "LM":
        return LETTER
    return SKIP if category in ("Zs", "Cf") or char == "\t" else BREAK
