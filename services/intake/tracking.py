"""Tracking codes: what a citizen copies from a slip of paper or says on the phone, `XXXX-XXXX-XXXX-XXXX`.

Four characters of time, eleven random ones (49.7 bits), one check character. The alphabet has 23 characters, none of which is
taken for another, and 23 is prime: with a weight of its own for each place, the weighted sum modulo 23 (the scheme of ISBN-10,
ISO 7064's "pure" systems are its kin) catches every single wrong character and every two that changed places.
"""

import re
import unicodedata
from datetime import datetime
from typing import Final, Literal, TypeAlias

from shared import ids
from shared.errors import Permanent

Fault: TypeAlias = Literal["length", "character", "check"]

ALPHABET: Final = "346789ACDEFHJKMNPQRTWXY"
LENGTH: Final = 16

_BASE = len(ALPHABET)
_RANDOM = _BASE**11
_TIMES = _BASE**4
_UNITS_A_SECOND = 100
_VALUE = {char: value for value, char in enumerate(ALPHABET)}
_WEIGHTS = range(_BASE - 1, _BASE - 1 - LENGTH, -1)  # distinct, none zero modulo 23; the check character's is 7
_CHECK_INVERSE = pow(-_WEIGHTS[-1], -1, _BASE)
_SEPARATORS = re.compile(r"[\s_.·•\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff-]+")
_LONGEST = 200


class BadCode(Permanent, ValueError):
    """Not a tracking code; `fault` says why, the text says it to the citizen."""

    slug = "bad-code"

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


def new_code(moment: datetime) -> str:
    """A fresh code. It begins with the moment in units of 10 ms, so that codes made one after the other lie side by side in an
    index: with units of ten minutes every code of a busy minute went to a page of its own.

    The units wrap after 47 minutes; then the codes lie beside older ones, and beside each other all the same.
    """
    number = int(moment.timestamp() * _UNITS_A_SECOND) % _TIMES * _RANDOM + _random()
    values = []
    for _ in range(LENGTH - 1):
        number, value = divmod(number, _BASE)
        values.append(value)
    values.reverse()
    values.append(_weighted(values) * _CHECK_INVERSE % _BASE)
    return _grouped("".join(map(ALPHABET.__getitem__, values)))


def _random() -> int:
    """Below `_RANDOM`; of 128 bits the remainder favours no code by more than one in 2^78."""
    return int.from_bytes(ids.random_bytes(16)) % _RANDOM


def normalise(text: str) -> str:
    """The code as it was given out, however it was typed: small letters, blanks, other dashes or none, full width.

    Raises `BadCode` saying whether a character, the length or the check character is wrong.
    """
    if len(text) > _LONGEST:
        raise BadCode("length", f"A tracking code has {LENGTH} characters; this has {len(text)}.")
    code = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if strange := next((char for char in code if char not in _VALUE), None):
        raise BadCode("character", f"{strange!r} never stands in a tracking code. The characters are {ALPHABET}.")
    if len(code) != LENGTH:
        raise BadCode("length", f"A tracking code has {LENGTH} characters; this has {len(code)}.")
    if _weighted([_VALUE[char] for char in code]) % _BASE:
        raise BadCode("check", "One character is wrong or two have changed places: compare the code with the slip.")
    return _grouped(code)


def _weighted(values: list[int]) -> int:
    return sum(map(int.__mul__, values, _WEIGHTS))


def _grouped(code: str) -> str:
    return f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}"
