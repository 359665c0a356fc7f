"""A child's log file: what it wrote, bounded."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 4096


class LogFile:
    """A file that a child appends to by itself, so that it writes on even while its supervisor is suspended or gone."""

    def __init__(self, path: Path, limit: int = LIMIT_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._limit = limit

    def open(self) -> int:
        """A descriptor for a child to append to; the caller closes its own copy."""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def bound(self) -> None:
        """Past the limit, move what is there to `<path>.1` (replacing the one before) and begin anew.

        Copied and cut, not renamed: the child goes on writing to the file it has open. On a full disk it is only cut.
        """
        if self.path.exists() and self.path.stat().st_size > self._limit:
            with suppress(OSError):
                shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
            os.truncate(self.path, 0)

    def last_line(self) -> str:
        """The last line that says something, shortened: usually why the child died."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
