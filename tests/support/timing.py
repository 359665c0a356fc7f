"""Time by ratio: machines differ and are busy, so a test holds one piece of work against another done just before or after."""

import time
from collections.abc import Callable


def shortest(act: Callable[[], object], rounds: int = 3) -> float:
    """The least processor time in seconds that `act` takes this thread, whatever the other threads and the machine do."""
    return min(_thread_seconds(act) for _ in range(rounds))


def _thread_seconds(act: Callable[[], object]) -> float:
    started = time.thread_time()
    act()
    return time.thread_time() - started
