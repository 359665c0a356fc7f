"""Who is let in: a limit for each key, a bound on what is in flight, and a cap on the throughput over all keys.

Decided before a body is read where its length is known, so that turning away costs little. A request holds its messages and
bytes from the door to the answer. What a batch holds is known only when it is read: it is let in with one message, then
asks for the rest.
"""

from typing import Any, Self

from fastapi import Response

from services.intake.fairness import Share, Shares
from services.intake.settings import IntakeSettings
from shared.http.auth import Key
from shared.http.problems import Problem
from shared.http.ratelimit import Bucket, retry_after
from shared.observability import metrics

_AGAIN_SECONDS = 1.0
_KEY_PART = 2
"""One key may hold this part (a half) of what may be in flight, so that there is always room for another."""


class Caller:
    """A key at the doors: its bucket, its share, and what it has in flight."""

    __slots__ = ("bucket", "key", "messages", "octets", "share")

    def __init__(self, key: Key, bucket: Bucket | None) -> None:
        self.key, self.bucket, self.share = key, bucket, Share()
        self.messages = self.octets = 0

    def tell(self, response: Response) -> Response:
        """The answer, with what is left of the key's limit."""
        if self.bucket:
            response.raw_headers += ((b"ratelimit-policy", self.bucket.policy), (b"ratelimit", self.bucket.state()))
        return response


class Gate:
    """Lets requests in, and knows what is in flight."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self._callers: dict[str, Caller] = {}
        self._shares = Shares(settings.intake_rate) if settings.intake_rate else None
        self._room = settings.in_flight_messages, settings.in_flight_bytes
        self._key_room = settings.in_flight_messages // _KEY_PART, settings.in_flight_bytes // _KEY_PART
        self.messages = self.octets = 0
        metrics.IN_FLIGHT_MESSAGES.set_function(lambda: self.messages)
        metrics.IN_FLIGHT_BYTES.set_function(lambda: self.octets)

    def caller(self, key: Key) -> Caller:
        """Who calls with this key; a limit that was changed in the file of keys begins with a full bucket."""
        caller = self._callers.get(key.digest)
        if caller is None:
            caller = self._callers[key.digest] = Caller(key, self._bucket(key))
        elif caller.key is not key:
            if (key.rate, key.burst) != (caller.key.rate, caller.key.burst):
                caller.bucket = self._bucket(key)
            caller.key = key
        return caller

    def enter(self, caller: Caller, octets: int) -> "Pass":
        """Hold a message and these bytes for the time of a request. Raises a 429 or 503 problem that says when to come again."""
        held = Pass(self, caller)
        held.grow(messages=1, octets=octets)
        return held

    def check(self, caller: Caller, messages: int, octets: int, charged: int) -> None:
        """Raise the problem of whoever asks for so much more; `charged` messages of the same request are paid for already."""
        if caller.bucket and messages and (wait := caller.bucket.wait(messages, paid=charged)):
            raise _shed("key-rate", _too_fast(caller.bucket, wait))
        if _full(caller, messages, octets, self._key_room):
            raise _shed("key-in-flight", _too_much())
        if _full(self, messages, octets, self._room):
            raise _shed("in-flight", _overloaded())
        if self._shares and messages and not self._shares.admits(caller.share, messages):
            raise _shed("capped", _overloaded())

    def charge(self, caller: Caller, messages: int) -> None:
        """These messages came in."""
        if caller.bucket:
            caller.bucket.take(messages)
        if self._shares:
            self._shares.take(caller.share, messages)

    def _bucket(self, key: Key) -> Bucket | None:
        rate = self._settings.key_rate if key.rate is None else key.rate
        burst = (self._settings.key_burst if key.rate is None else rate) if key.burst is None else key.burst
        return Bucket(rate, max(1, burst)) if rate else None


class Pass:
    """What one request holds until it is answered; a context that lets it go."""

    __slots__ = ("_caller", "_charged", "_gate", "_messages", "_octets")

    def __init__(self, gate: Gate, caller: Caller) -> None:
        self._gate, self._caller = gate, caller
        self._messages = self._octets = self._charged = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hold(-self._messages, -self._octets)

    def grow(self, *, messages: int = 0, octets: int = 0) -> None:
        """Hold more, if there is room for it; else raise the problem that says so."""
        gate, caller = self._gate, self._caller
        try:
            gate.check(caller, messages, octets, self._charged)
        except Problem:
            self.correct(0)  # whoever is turned away has not used anything
            raise
        if messages:
            gate.charge(caller, messages)
            self._charged += messages
        self._hold(messages, octets)

    def correct(self, messages: int) -> None:
        """It was so many messages in truth."""
        if messages != self._charged:
            self._gate.charge(self._caller, messages - self._charged)
            self._charged = messages

    def _hold(self, messages: int, octets: int) -> None:
        gate, caller = self._gate, self._caller
        gate.messages += messages
        gate.octets += octets
        caller.messages += messages
        caller.octets += octets
        self._messages += messages
        self._octets += octets


def _full(holder: Gate | Caller, messages: int, octets: int, room: tuple[int, int]) -> bool:
    """Whether there is no room for so much more; where nothing is held there is room for any one request."""
    over = holder.messages + messages > room[0] or holder.octets + octets > room[1]
    return over and holder.octets > 0


def _shed(reason: str, problem: Problem) -> Problem:
    metrics.child(metrics.SHED, reason).inc()
    return problem


def _too_fast(bucket: Bucket, wait: float) -> Problem:
    detail = (
        f"This key may send {bucket.rate:g} messages a second, {bucket.burst:g} at once. "
        "Send the same again after the seconds in Retry-After; the operator can raise the limit."
    )
    violated: Any = {"violated-policies": ["messages"]}  # the name that the draft gives it
    return Problem(429, "rate-limited", detail, headers=retry_after(wait), **violated)


def _too_much() -> Problem:
    detail = "This key has too much on its way already. Wait for answers before you send more, or send less at once."
    return Problem(429, "too-much-at-once", detail, headers=retry_after(_AGAIN_SECONDS))


def _overloaded() -> Problem:
    detail = "More is arriving than can be stored at the moment. Nothing is wrong with the request: send the same again."
    return Problem(503, "overloaded", detail, headers=retry_after(_AGAIN_SECONDS))
