"""One `up` a data folder: two would run every service twice on the same files."""

import fcntl
import os
from pathlib import Path

from shared.errors import BadSettings


class FolderLock:
    """A lock on a data folder. The kernel frees it with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "up.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock, unless it is held already. Raises `BadSettings` naming the process that has it."""
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._file, 20, 0).decode(errors="replace").strip() or "unknown"
            self.release()
            raise BadSettings(
                f"{self._path.parent} is in use by another `yijian up` (pid {owner}): stop that one, "
                "or choose another folder and ports: YIJIAN_DATA=var2 YIJIAN_PORT=9000 make run"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
