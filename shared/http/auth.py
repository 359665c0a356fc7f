"""API keys: 256 random bits, shown once, kept as SHA-256 with role, scope and expiry in one file.

Every service reads the file and reads it again when it changes. SHA-256 is enough for a key that cannot be guessed;
a slow password hash per request would sink intake.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fastapi import Request

from shared import clock
from shared.errors import BadSettings
from shared.http.problems import Problem
from shared.keptfile import alone_with, stamp, write_whole
from shared.observability import logging

_log = logging.get(__name__)
Role: TypeAlias = Literal["channel", "department", "operator"]
ROLES: tuple[Role, ...] = ("channel", "department", "operator")
_REREAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """What a key allows. `scope` holds channel codes or department codes; an operator's is empty."""

    name: str
    role: Role
    digest: str
    scope: tuple[str, ...] = ()
    test: bool = False
    expires: str | None = None
    """RFC 3339; None: never."""
    created: str = field(default_factory=clock.timestamp)
    rate: float | None = None
    """Messages a second a channel may send; None: as the settings say, 0: no limit."""
    burst: int | None = None
    """Messages it may send at once; None: as many as in one second, or as the settings say."""

    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and datetime.fromisoformat(self.expires) <= clock.now()


_FIELDS = frozenset(one.name for one in fields(Key))
"""What a later version writes beyond these is passed over."""


def _entry(key: Key) -> dict[str, Any]:
    """As it stands in the file; a limit that is not set is left out, so that the version before this one reads the file too."""
    return {name: value for name, value in asdict(key).items() if value is not None or name not in {"rate", "burst"}}


def digest(secret: str) -> str:
    """The form in which a key is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(role: Role) -> str:
    """A new key's secret: 256 random bits behind a prefix that tells people what it is."""
    return f"yj_{role}_{secrets.token_urlsafe(32)}"


class KeyFile:
    """The file of keys, for the `yijian keys` command: read, changed and written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> tuple[int, int]:
        """Another one after each change, also when the file comes or goes."""
        try:
            return stamp(self.path)
        except FileNotFoundError:
            return 0, 0

    def read(self) -> list[Key]:
        """Every key; none when there is no file. Raises `BadSettings` when the file cannot be understood."""
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))["keys"]
            return [
                Key(**{name: entry[name] for name in entry if name in _FIELDS} | {"scope": tuple(entry["scope"])})
                for entry in entries
            ]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise BadSettings(f"{self.path} is not a file of keys ({error}); make one with: yijian keys add") from None

    def add(
        self, name: str, role: Role, *, scope: Sequence[str] = (), test: bool = False, expires: str | None = None,
        rate: float | None = None, burst: int | None = None,
    ) -> str:  # fmt: skip
        """Store a new key and return its secret, which is not kept. Raises `BadSettings` when the name is taken."""
        secret = new_secret(role)
        with alone_with(self.path):
            keys = self.read()
            if any(key.name == name for key in keys):
                raise BadSettings(f"there is a key named {name!r} already: choose another --name, or revoke it first")
            self.write([*keys, Key(name, role, digest(secret), tuple(scope), test, expires, rate=rate, burst=burst)])
        return secret

    def revoke(self, name: str) -> bool:
        """Remove a key; False when there is none of this name."""
        with alone_with(self.path):
            keys = self.read()
            kept = [key for key in keys if key.name != name]
            if len(kept) == len(keys):
                return False
            self.write(kept)
        return True

    def write(self, keys: Sequence[Key]) -> None:
        """Replace the file in one step, readable by its owner only."""
        write_whole(self.path, {"keys": [_entry(key) for key in keys]})


class Keyring:
    """The keys as a service sees them; follows the file within a second of a change."""

    def __init__(self, path: Path) -> None:
        self._file = KeyFile(path)
        self._keys: dict[str, Key] = {}
        self._stamp: tuple[int, int] | None = None
        self._look_again = 0.0
        self._trouble: str | None = None

    def authenticate(self, request: Request, *roles: Role) -> Key:
        """The key of this request. Raises a 401 or 403 problem that says what to send."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorised("missing-key", "Send your API key in the header: Authorization: Bearer <key>.")
        key = self._find(digest(secret.strip()))
        if key is None:
            raise _unauthorised(
                "unknown-key", "This API key is not known here (mistyped or revoked). Ask the operator for a new one."
            )
        if key.expired():
            raise _unauthorised("expired-key", f"This API key expired at {key.expires}. Ask the operator for a new one.")
        if key.role not in roles:
            detail = f"This is a key for the role {key.role!r}; this needs a key for {' or '.join(roles)}."
            raise Problem(403, "wrong-role", detail)
        return key

    def _find(self, wanted: str) -> Key | None:
        if clock.monotonic() >= self._look_again or wanted not in self._keys:  # a new key works at once
            self._look_again = clock.monotonic() + _REREAD_SECONDS
            self._reread()
        return self._keys.get(wanted)

    async def check(self) -> None:
        """Raise RuntimeError with the reason when the file cannot be read; the keys known before go on to work."""
        self._reread()
        if self._trouble:
            raise RuntimeError(self._trouble)

    def _reread(self) -> None:
        try:
            now = self._file.stamp()
            if now != self._stamp:
                self._keys = {key.digest: key for key in self._file.read()}
            self._stamp, self._trouble = now, None
        except (OSError, BadSettings) as error:
            if self._trouble is None:
                _log.error("keys_unreadable", path=str(self._file.path), error=str(error))
            self._trouble = f"the file of keys cannot be read, new and revoked keys are not known: {error}"


def _unauthorised(slug: str, detail: str) -> Problem:
    return Problem(401, slug, detail, headers={"WWW-Authenticate": 'Bearer realm="yijian"'})
