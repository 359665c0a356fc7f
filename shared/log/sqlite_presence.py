"""Who is there: every member of the SQLite log holds a lock that the kernel takes from it when its process ends, however it ends.

So the partitions of a killed process are free at once, and not only when it has been silent for its session's time; that time
remains for who lives and is stuck.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Presence:
    """A folder with a locked file for each member. Where there can be none, nobody is known to be gone."""

    def __init__(self, folder: Path) -> None:
        """Opens nothing; the folder appears with the first member."""
        self._folder = folder
        self._held: dict[str, int] = {}

    def announce(self, member: str) -> None:
        """Hold this member's lock, from its joining to its leaving; again if somebody took it for dead meanwhile."""
        if member in self._held:
            if (self._folder / member).exists():
                return
            os.close(self._held.pop(member))
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._folder / member, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                raise
            self._held[member] = file

    def forget(self, member: str) -> None:
        """It left, or is known to be dead."""
        with suppress(OSError):
            (self._folder / member).unlink()
        held = self._held.pop(member, None)
        if held is not None:
            os.close(held)

    def is_gone(self, member: str) -> bool:
        """Whether its process has certainly ended."""
        if member in self._held:
            return False
        try:
            file = os.open(self._folder / member, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False  # it never announced itself: only its silence can tell
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        return True
