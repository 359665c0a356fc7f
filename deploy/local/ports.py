"""Ports of the one-machine home: which one is whose, whether it is free, and whether a service answers at it."""

import asyncio
import errno
import os
import socket
from pathlib import Path

OFFSETS = {"intake": 1, "classifier": 2, "router": 3}
"""Every service's port, counted from `YIJIAN_PORT` (which is the console's)."""
_LISTENING = "0A"
_ANSWER_SECONDS = 3.0


def is_taken(host: str, port: int) -> bool:
    """Whether another program listens there. A port that only waits for its last connections to fade is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def reachable(host: str) -> str:
    """Where a client on this machine finds what listens on `host`, as it stands in a URL."""
    local = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{local}]" if ":" in local else local


async def is_ready(host: str, port: int) -> bool:
    """Whether the service there says that it can do its job: `GET /health/ready` is answered 200."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return b" 200 " in await _status_line(reachable(host).strip("[]"), port)
    except (OSError, TimeoutError):
        return False


async def _status_line(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()


def holder(port: int) -> str | None:
    """The program that listens on this port, as `name (pid 123)`; None where it cannot be told (Linux only, own programs)."""
    sockets = _listening_sockets(port)
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(process):
            return f"{_name(process)} (pid {process.name})"
    return None


def _listening_sockets(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in _lines(table)[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _open_files(process: Path) -> set[str]:
    try:
        entries = list((process / "fd").iterdir())
    except OSError:  # not ours, or gone
        return set()
    return {_target(entry) for entry in entries}


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)  # noqa: PTH115 - `socket:[1]` is no path
    except OSError:  # closed in between
        return ""


def _name(process: Path) -> str:
    return next(iter(_lines(process / "comm")), "a program")
