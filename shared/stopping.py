"""How a process stops: drained within its time, or at once with a word about what was left.

The first signal starts a clock. What is left at its end, or at a second signal, is named in the log and let go: nothing that
was answered 202 is lost by it, which is what a kill would find too.
"""

import os
import threading
from collections.abc import Callable

from shared import clock
from shared.observability import logging

_log = logging.get(__name__)
_BEYOND_SECONDS = 2.0
"""After the drain's end everything is cancelled; what does not even close within this is left."""
_FORCED = 1
"""The exit code of a stop that was not drained."""


class Stop:
    """The stop of this process. `left` tells what is still at work, for the log."""

    def __init__(self, seconds: float, left: Callable[[], dict[str, object]]) -> None:
        self._seconds, self._left = seconds, left
        self._since: float | None = None

    @property
    def begun(self) -> bool:
        """Whether a signal has come."""
        return self._since is not None

    def begin(self) -> None:
        """The first signal has come; from now on time is short."""
        self._since = clock.monotonic()
        timer = threading.Timer(self._seconds + _BEYOND_SECONDS, self.at_once, ["deadline"])
        timer.daemon = True  # a thread, since the event loop may be what is stuck
        timer.start()

    def remaining(self, seconds: float) -> float:
        """How many of these seconds are left of the drain; all of them while nobody has asked to stop."""
        if self._since is None:
            return seconds
        return max(0.0, min(seconds, self._since + self._seconds - clock.monotonic()))

    def at_once(self, why: str) -> None:
        """End the process now."""
        _log.error("stopped_at_once", why=why, **self._left())
        os._exit(_FORCED)
