"""Seals what only intake may read, and hashes what must be compared without being read.

A sealed text names its suite and its key (`seal1.intl.k-1f0c9a2e.…`), so keys and suites can be changed while everything
sealed before still opens. Suites: `intl` is AES-256-GCM (NIST SP 800-38D) with HMAC-SHA-256, `gm` is SM4-GCM (GB/T 32907-2016,
RFC 8998) with HMAC-SM3 (GB/T 32905-2016).

Nonces are random: GCM bears 2^32 of them under one key, so rotate well before four thousand million seals. The pseudonym key
is never rotated: every pseudonym and every link would change with it. Lose the file and nothing opens again: back it up.
"""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

from services.intake.masking import normal
from shared import clock, ids
from shared.errors import BadSettings, Permanent
from shared.keptfile import alone_with, stamp, write_whole
from shared.observability import logging

Suite: TypeAlias = Literal["intl", "gm"]

_log = logging.get(__name__)
_KEY_BYTES: Final = {"intl": 32, "gm": 16}
_VERSION = "seal1"
_NONCE, _TAG = 12, 16
_REREAD_SECONDS = 1.0
_SHORTEST_PHONE = 7


class SealBroken(Permanent):
    """A sealed text cannot be opened; the message says whether form, key, context or content is wrong."""

    slug = "seal-broken"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of the file; `key` is base64."""

    id: str
    suite: str
    key: str
    created: str

    @classmethod
    def fresh(cls, suite: str, prefix: str = "k") -> Self:
        """A new random key."""
        material = base64.b64encode(secrets.token_bytes(_KEY_BYTES[suite])).decode()
        return cls(f"{prefix}-{secrets.token_hex(4)}", suite, material, clock.timestamp())

    @property
    def material(self) -> bytes:
        """The key itself. Raises `BadSettings` when its length does not fit its suite."""
        material = base64.b64decode(self.key, validate=True)
        if len(material) != _KEY_BYTES.get(self.suite):
            raise BadSettings(f"key {self.id} has {len(material)} bytes, which does not fit suite {self.suite!r}")
        return material

    def __repr__(self) -> str:
        return f"SecretKey({self.id}, {self.suite})"


@dataclass(frozen=True, slots=True)
class _Content:
    sealing: tuple[SecretKey, ...]
    active: str
    pseudonym: SecretKey

    @classmethod
    def parse(cls, text: str) -> Self:
        raw = json.loads(text)
        content = cls(tuple(SecretKey(**key) for key in raw["sealing"]), raw["active"], SecretKey(**raw["pseudonym"]))
        if content.active not in {key.id for key in content.sealing}:
            raise ValueError(f"its active key {content.active!r} is not among its sealing keys")
        _ = [key.material for key in (*content.sealing, content.pseudonym)]  # a wrong key is found now, not at a message
        return content


class Secrets:
    """The file of keys: made at first use, changed under a lock, followed within a second when another process changes it."""

    def __init__(self, path: Path, suite: Suite = "intl") -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._look_again = 0.0
        if not path.exists():
            self._create(suite)
        self._content = self._read()

    @property
    def active(self) -> SecretKey:
        """The key that seals."""
        content = self._current()
        return next(key for key in content.sealing if key.id == content.active)

    @property
    def pseudonym(self) -> SecretKey:
        """The key that hashes."""
        return self._content.pseudonym

    def find(self, key_id: str) -> SecretKey | None:
        """A sealing key; the file is read again for one that is not known yet."""
        known = (key for at_once in (False, True) for key in self._current(at_once=at_once).sealing)
        return next((key for key in known if key.id == key_id), None)

    def rotate(self, suite: Suite | None = None) -> str:
        """Add a key (default: of the same suite), make it the active one and return its id. Old keys go on opening."""
        with alone_with(self.path):
            self._content = self._read()
            key = SecretKey.fresh(suite or self.active.suite)
            self._content = replace(self._content, sealing=(*self._content.sealing, key), active=key.id)
            write_whole(self.path, asdict(self._content))
        return key.id

    def _create(self, suite: str) -> None:
        with alone_with(self.path):
            if not self.path.exists():  # else another process was first, and its keys are ours
                key = SecretKey.fresh(suite)
                write_whole(self.path, asdict(_Content((key,), key.id, SecretKey.fresh(suite, "p"))))

    def _current(self, *, at_once: bool = False) -> _Content:
        if at_once or clock.monotonic() >= self._look_again:
            self._look_again = clock.monotonic() + _REREAD_SECONDS
            try:
                if self._stamp != stamp(self.path):
                    self._content = self._read()
            except (OSError, BadSettings) as error:  # the keys in hand still seal and open: intake goes on
                _log.error("secrets_unreadable", path=str(self.path), error=str(error))
        return self._content

    def _read(self) -> _Content:
        try:
            self._stamp = stamp(self.path)
            return _Content.parse(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, BadSettings) as error:
            raise BadSettings(
                f"{self.path} cannot be read as a file of sealing keys ({error}); restore it from a backup"
            ) from None


class _Sm4Gcm:
    """SM4-GCM in the shape of `AESGCM`."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG:])).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-_TAG]) + decryptor.finalize()


_SUITES: Final[dict[str, type[AESGCM | _Sm4Gcm]]] = {"intl": AESGCM, "gm": _Sm4Gcm}


class Sealer:
    """Seals and opens. `context` says where a seal belongs (message id and field): moved elsewhere, it does not open."""

    def __init__(self, keys: Secrets) -> None:
        self._keys = keys
        self._ciphers: dict[str, AESGCM | _Sm4Gcm] = {}

    def seal(self, plaintext: bytes, context: str) -> str:
        """`seal1.<suite>.<key id>.<base64url of nonce and ciphertext>`."""
        key = self._keys.active
        header = f"{_VERSION}.{key.suite}.{key.id}"
        nonce = ids.random_bytes(_NONCE)
        sealed = nonce + self._cipher(key).encrypt(nonce, plaintext, f"{header}\n{context}".encode())
        return f"{header}.{_encode(sealed)}"

    def unseal(self, text: str, context: str) -> bytes:
        """What was sealed. Raises `SealBroken` saying what is wrong."""
        header, _, body = text.rpartition(".")
        key = self._key(header)
        sealed = _decode(body)
        try:
            return self._cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{header}\n{context}".encode())
        except InvalidTag:
            raise SealBroken(f"sealed with key {key.id} for another context than {context!r}, or changed since") from None

    def _key(self, header: str) -> SecretKey:
        version, _, rest = header.partition(".")
        suite, _, key_id = rest.partition(".")
        if version != _VERSION:
            raise SealBroken(f"not a sealed text: it begins with {version[:20]!r}, not with {_VERSION!r}")
        key = self._keys.find(key_id)
        if key is None:
            raise SealBroken(f"key {key_id[:40]!r} is not in {self._keys.path}: restore the file that held it")
        if key.suite != suite:
            raise SealBroken(f"key {key_id!r} is of suite {key.suite!r}, the sealed text says {suite[:20]!r}")
        return key

    def _cipher(self, key: SecretKey) -> AESGCM | _Sm4Gcm:
        if key.id not in self._ciphers:
            self._ciphers[key.id] = _SUITES[key.suite](key.material)
        return self._ciphers[key.id]


class Hasher:
    """Keyed hashes: nobody without the key can try all phone numbers, and equal values give equal hashes."""

    def __init__(self, keys: Secrets) -> None:
        key = keys.pseudonym
        self._base = HMAC(key.material, hashes.SM3() if key.suite == "gm" else hashes.SHA256())

    def identifier(self, kind: str, value: str) -> str | None:
        """`phone:<32 hex>` of the value in its normal form; None when it can be anybody's: 无, 000 and 12345 are nobody's, and
        would make one citizen of strangers."""
        plain = normal(kind, value)
        if len(set(plain)) < 2 or (kind == "phone" and sum(map(str.isdecimal, plain)) < _SHORTEST_PHONE):
            return None
        return f"{kind}:{self._hash(f'identifier:{kind}', plain.encode())[:32]}"

    def pseudonym(self, identifier: str) -> str:
        """`c-<24 hex>`: the citizen behind an identifier, not to be told from it."""
        return f"c-{self._hash('pseudonym', identifier.encode())[:24]}"

    def fingerprint(self, body: bytes) -> str:
        """Whether two request bodies are the same, without keeping either: 32 hex. Keyed, since they hold personal data."""
        return self._hash("fingerprint", body)[:32]

    def _hash(self, purpose: str, data: bytes) -> str:
        mac = self._base.copy()
        mac.update(purpose.encode() + b"\0" + data)
        return mac.finalize().hex()


def rotate_secrets(path: Path, suite: Suite | None = None) -> str:
    """Add a sealing key to the file and make it the active one; its id. Running services follow within a second.

    Raises `BadSettings` when there is no file: a rotation is not where a home gets its first keys.
    """
    if not path.exists():
        raise BadSettings(f"there is no file of sealing keys at {path}; the intake service makes it when it first starts")
    return Secrets(path).rotate(suite)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(body: str) -> bytes:
    """Strict: exactly what `_encode` writes, so that no two texts are the same seal."""
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if len(data) < _NONCE + _TAG or _encode(data) != body:
        raise SealBroken("the sealed part is cut off, or holds characters that are not base64url")
    return data
