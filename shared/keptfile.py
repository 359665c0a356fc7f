"""Small files that several processes read and now and then one changes: whole, alone, and for their owner's eyes only."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def stamp(path: Path) -> tuple[int, int]:
    """Another one after each change. Raises FileNotFoundError."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_ino


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Alone with the file, over all processes. The lock has a file of its own, since a write replaces the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _give_to_owner_of(path.parent, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: Any) -> None:
    """Replace the file by this JSON in one step, readable by its owner only and on the disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}", delete=False, encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
        _give_to_owner_of(path.parent, file.fileno())
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root makes in another's folder is that other's: else `sudo yijian keys add` would take the keys from the services."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
