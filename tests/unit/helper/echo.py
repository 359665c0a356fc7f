"""A helper for tests: `python -m tests.unit.helper.echo FD`."""

import os
from collections.abc import Callable
from typing import Any

from shared.helper import answer_calls


def prepare(first: Any) -> Callable[[Any], Any]:
    if first == "cannot start":
        os._exit(1)

    def work(call: Any) -> Any:
        if call == "pid":
            return os.getpid()
        if call == "die":
            os._exit(1)
        if call == "fail":
            raise ValueError("no such thing")
        return [first, call]

    return work


if __name__ == "__main__":
    answer_calls(prepare)
