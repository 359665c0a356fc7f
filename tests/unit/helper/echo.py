"""A helper for tests."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare(first: Any) -> Callable[[Any], Any]:
    if first == "cannot start":
        os._exit(1)
    if isinstance(first, Path):
        first.read_text()

    def work(call: Any) -> Any:
        if call == "pid":
            return os.getpid()
        if call == "die":
            os._exit(1)
        if call == "fail":
            raise ValueError("no such thing")
        return [first, call]

    return work
