"""Made-up people for tests and demonstrations: every value is well formed, and none belongs to anybody.

Phones lie in the pack's reserved range 199990, resident IDs in the region 9901xx that GB/T 2260 does not give out, plates have
the letter I that GA 36-2018 leaves out, cards an issuer number that nobody holds, e-mail the domain of RFC 2606. The check
digits are written a second time here on purpose: a test of the masking does not agree with its own mistake.
"""

from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def phone(number: int = 0) -> str:
    """A mobile of the reserved range, 100,000 of them."""
    return f"199990{number % 100_000:05d}"


def email(number: int = 0) -> str:
    """An address of RFC 2606's example domain."""
    return f"citizen{number}@example.com"


def resident_id(number: int = 0, *, born: date = date(1990, 3, 7), region: str = "990102") -> str:
    """GB 11643-1999: region, birth date, serial and the check character of ISO 7064 MOD 11-2."""
    body = f"{region}{born:%Y%m%d}{number % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "0123456789X"[(12 - total % 11) % 11]


def bank_card(number: int = 0, *, length: int = 19, issuer: str = "699999") -> str:
    """ISO/IEC 7812: issuer, account and Luhn's check digit."""
    body = issuer + f"{number:0{length - len(issuer) - 1}d}"
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    return body + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def plate(number: int = 0, *, province: str = "浙", new_energy: bool = False) -> str:
    """GA 36-2018 in form: a province, the letter that is never given out, and the serial."""
    return f"{province}I{'D' if new_energy else ''}{number % 100_000:05d}"
