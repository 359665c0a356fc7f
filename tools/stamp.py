"""Whether a model was trained from a pack as it is now, told from a file beside the model: nothing is parsed, nothing loaded.

Only a different stamp costs the time to look closely, which `yijian train` does.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

_FILE = "trained-from"
_CLASSIFIER = Path(__file__).parents[1] / "services" / "classifier"
_READ = {".yaml", ".jsonl", ".py"}
_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def stamp_of(pack: Path) -> str:
    """A digest of all that training reads: the pack, the classifier's code and the libraries under it."""
    digest = hashlib.sha256("".join(version(name) for name in _LIBRARIES).encode())
    for folder in (pack, _CLASSIFIER):
        for path in _files(folder):
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def has_model(folder: Path) -> bool:
    """Whether there is anything but a stamp."""
    return folder.is_dir() and any(path.name != _FILE for path in folder.iterdir())


def is_current(model: Path, pack: Path) -> bool:
    """Whether the model in its folder was trained from this pack, as far as the stamps tell."""
    stamp = model / _FILE
    return has_model(model) and stamp.exists() and stamp.read_text(encoding="utf-8") == stamp_of(pack)


def put(model: Path, stamp: str) -> None:
    """Say what the model was trained from."""
    with suppress(PermissionError):  # a model that is mounted read-only: the next start looks closely once more
        (model / _FILE).write_text(stamp, encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix in _READ and path.is_file())
