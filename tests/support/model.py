"""The shipped pack's model: training takes minutes, so a checkout does it once and keeps it in pytest's cache."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.pack.load import load_pack, read_examples
from shared.pack.split import split
from tests.support.city import PACK
from tools import stamp

_SOURCES = Path(__file__).parents[2] / "services" / "classifier"


def trained_model(config: pytest.Config) -> Path:
    """The folder of the model that this checkout's code trains on this checkout's pack."""
    return model_in(_cache(config))


def model_in(cache: Path) -> Path:
    """The same, kept in this folder. Two processes train it once."""
    from services.classifier.artifact import save, saved_version
    from services.classifier.training import train, version_of

    seen = stamp.stamp_of(PACK)
    pack, (examples, _) = load_pack(PACK), split(read_examples(PACK))
    version = version_of(pack, examples)
    folder = cache / f"model-{hashlib.sha256(version.encode() + _code()).hexdigest()[:16]}"
    with _alone(folder):
        if saved_version(folder) != version:
            save(train(pack, examples), folder)
        stamp.put(folder, seen)
    return folder


def _cache(config: pytest.Config) -> Path:
    """pytest's own cache, which git ignores and `make clean` takes away."""
    assert config.cache
    return config.cache.mkdir("yijian")


def _code() -> bytes:
    """What trains and saves; the version speaks of the result, and a change of the code has to be seen by the tests."""
    return b"".join(path.read_bytes() for path in sorted(_SOURCES.rglob("*")) if path.suffix in {".py", ".yaml"})


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
