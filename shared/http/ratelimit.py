"""A limit as a token bucket, told in the fields of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy`, `RateLimit`."""

import math

from shared import clock

_ROUNDING = 1e-6


class Bucket:
    """`rate` tokens a second flow in, `burst` fit. It may go into debt, since some costs are known only afterwards."""

    __slots__ = ("_at", "_level", "burst", "policy", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._level, self._at = burst, clock.monotonic()
        self.policy = f'"messages";q={int(burst)};w={max(1, math.ceil(burst / rate))}'.encode()
        """The field `RateLimit-Policy`: what fits, and the seconds in which an empty bucket is full again."""

    def wait(self, count: float, *, paid: float = 0) -> float:
        """Seconds until `count` may be taken, beyond what is `paid` for already; 0: now.

        Together they may be more than ever fits: that is taken when the bucket is full.
        """
        missing = min(count + paid, self.burst) - paid - self._filled() - _ROUNDING
        return missing / self.rate if missing > 0 else 0.0

    def take(self, count: float) -> None:
        """Take these; a negative count gives back."""
        self._level = min(self.burst, self._filled() - count)

    def state(self) -> bytes:
        """The field `RateLimit`: what is left, and the seconds until the bucket is full."""
        level = self._filled()
        return b'"messages";r=%d;t=%d' % (max(0, int(level + _ROUNDING)), math.ceil((self.burst - level) / self.rate - _ROUNDING))

    def _filled(self) -> float:
        now = clock.monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come again, in whole seconds."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
