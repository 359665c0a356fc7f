"""Numbers in examples: they must be nobody's, and look like somebody's.

What an example says is masked like a citizen's message, so its phones and resident IDs have to be found by the masker; and since
it is made up, they come from the ranges that the pack declares reserved.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.pack.model import Reserved

_GAP = "[ -]?"
_PHONE = re.compile(
    rf"(?<![0-9])(?:1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}|0[0-9]{{2,4}}[ -]?[0-9]{{3,4}}[ -]?[0-9]{{3,4}})(?![0-9])"
)
_RESIDENT = re.compile(r"(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx](?![0-9A-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_PHONE_DIGITS = 11


class Wrong(NamedTuple):
    """A number, and what would be right."""

    found: str
    expected: str


def wrong_numbers(text: str, reserved: Reserved) -> Iterator[Wrong]:
    """Every phone and resident ID that may be somebody's, and every one that the masker would not find."""
    for match in _RESIDENT.finditer(text):
        yield from _resident(match[0], reserved)
    for match in _PHONE.finditer(_RESIDENT.sub(lambda match: "·" * len(match[0]), text)):
        yield from _phone(match[0], reserved)
    for prefix in reserved.mobile:
        yield from _cut_short(text, prefix)


def check_character(first: str) -> str:
    """The last character of a resident ID, by its first seventeen (GB 11643, ISO 7064 MOD 11-2)."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]


def _resident(number: str, reserved: Reserved) -> Iterator[Wrong]:
    right = check_character(number[:17])
    if not number.startswith(reserved.resident_id or ("\0",)):
        yield Wrong(f"resident ID {number} may be somebody's", _from("reserved.resident_id", reserved.resident_id))
    elif number[17].upper() != right:
        yield Wrong(f"resident ID {number} has a wrong check character", f"{number[:17]}{right}")


def _phone(written: str, reserved: Reserved) -> Iterator[Wrong]:
    digits = re.sub("[^0-9]", "", written)
    if len(digits) >= _PHONE_DIGITS - 1 and not digits.startswith(reserved.mobile or ("\0",)):
        yield Wrong(f"phone {written} may be somebody's", _from("reserved.mobile", reserved.mobile))


def _cut_short(text: str, prefix: str) -> Iterator[Wrong]:
    """A reserved number with a digit or two too many or too few; a text may well speak of the prefix alone."""
    for match in re.finditer(rf"(?<![0-9]){re.escape(prefix)}[0-9]*", text):
        if 0 < abs(len(match[0]) - _PHONE_DIGITS) <= 2:
            yield Wrong(f"phone {match[0]} has {len(match[0])} digits", f"{_PHONE_DIGITS} digits")


def _from(field: str, prefixes: tuple[str, ...]) -> str:
    return f"one that begins with {' or '.join(prefixes)}" if prefixes else f"`{field}` in pack.yaml, and a number from there"
