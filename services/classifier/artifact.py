"""A model on disk: one `.npz` file of plain arrays (no pickle), written whole or not at all and checked when it is read."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from services.classifier.alarm import Alarm
from services.classifier.inference import Classifier
from services.classifier.learned import Artifact, Head, Thresholds
from services.classifier.regions import Gazetteer
from services.classifier.sparse import Topics
from services.classifier.vocabulary import Vocabulary
from shared.errors import Permanent
from shared.pack.model import Pack

FORMAT = 5
"""To be raised with every change of the code that changes an answer, for it is part of the version. Older files are refused on
purpose: training takes seconds."""
FILE = "classifier.npz"
_ARRAYS = ("table", "idf", "topic_weights", "topic_columns", "topic_starts", "topic_bias", "tones", "tone_bias")
_SMALL = 1 << 16
"""So many categories have numbers of two bytes on disk."""
_TRAIN = "train it again: yijian train"

Arrays = Mapping[str, NDArray[Any]]


class BadArtifact(Permanent):
    """A model that cannot be used: missing, damaged, of another format or trained for another pack. The text says what to do."""

    slug = "bad-artifact"


def save(artifact: Artifact, folder: Path | str) -> Path:
    """Write the model into the folder, in the place of the one that was there; a reader sees one of the two."""
    target = Path(folder) / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{FILE}.{os.getpid()}.tmp")
    arrays = _arrays(artifact)
    with draft.open("wb") as file:
        np.savez(file, allow_pickle=False, meta=_as_array(_meta(artifact, arrays)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    _sync_folder(target.parent)
    return target


def load(folder: Path | str, pack: Pack | None = None) -> Classifier:
    """The classifier whose model lies in the folder. Give the pack to be sure that the model was trained for it."""
    return Classifier(read(folder, pack))


def read(folder: Path | str, pack: Pack | None = None) -> Artifact:
    """The model in the folder, checked."""
    path = Path(folder) / FILE
    meta, arrays = _read(path)
    if pack and (meta["pack_name"], meta["pack_version"]) != (pack.city.name, pack.city.version):
        trained, asked = f"{meta['pack_name']} {meta['pack_version']}", f"{pack.city.name} {pack.city.version}"
        raise BadArtifact(f"{path} was trained for pack {trained}, not for {asked}: {_TRAIN}")
    return _artifact(meta, arrays)


def saved_version(folder: Path | str) -> str | None:
    """The version of the model in the folder; None where there is none that can be used."""
    try:
        return read(folder).version
    except BadArtifact:
        return None


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        with path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        meta = json.loads(content.pop("meta").tobytes())
        found = meta["format"]
    except FileNotFoundError as error:
        raise BadArtifact(f"there is no model at {path}: {_TRAIN}") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise BadArtifact(f"{path} is damaged or no model ({error}): {_TRAIN}") from error
    if found != FORMAT:
        raise BadArtifact(f"{path} has format {found}, this classifier reads {FORMAT}: {_TRAIN}")
    if meta["sums"] != {name: _sum(content.get(name)) for name in _ARRAYS}:
        raise BadArtifact(f"{path} is damaged (its arrays do not match their checksums): {_TRAIN}")
    return meta, content


def _artifact(meta: dict[str, Any], arrays: Arrays) -> Artifact:
    heads = {
        name: Head(tuple(meta[name]["classes"]), meta[name]["first"], meta[name]["temperature"])
        for name in ("category", "kind", "urgency")
    }
    return Artifact(
        version=meta["version"],
        pack_name=meta["pack_name"],
        pack_version=meta["pack_version"],
        idf=arrays["idf"],
        vocabulary=Vocabulary(arrays["table"], len(arrays["idf"])),
        topics=_topics(arrays, len(heads["category"].classes)),
        topic_bias=arrays["topic_bias"],
        tones=arrays["tones"],
        tone_bias=arrays["tone_bias"],
        **heads,
        thresholds=Thresholds(**{name: tuple(numbers) for name, numbers in meta["thresholds"].items()}),
        gazetteer=Gazetteer(
            {name: tuple(codes) for name, codes in meta["gazetteer"]["codes"].items()}, meta["gazetteer"]["parents"]
        ),
        alarm=Alarm(**{name: tuple(words) for name, words in meta["alarm"].items()}),
        figures=meta["figures"],
    )


def _arrays(artifact: Artifact) -> Arrays:
    topics = vstack((csr_array(artifact.topics.plain), artifact.topics.others), format="csr")
    return {
        "table": artifact.vocabulary.table,
        "topic_weights": topics.data,
        "topic_columns": topics.indices.astype(np.uint16 if topics.shape[1] <= _SMALL else np.int32),
        "topic_starts": topics.indptr.astype(np.int32),
        **{name: getattr(artifact, name) for name in ("idf", "topic_bias", "tones", "tone_bias")},
    }


def _topics(arrays: Arrays, categories: int) -> Topics:
    starts = arrays["topic_starts"]
    columns = arrays["topic_columns"].astype(np.int32)
    return Topics.of(csr_array((arrays["topic_weights"], columns, starts), shape=(len(starts) - 1, categories)))


def _meta(artifact: Artifact, arrays: Arrays) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": artifact.version,
        "pack_name": artifact.pack_name,
        "pack_version": artifact.pack_version,
        "sums": {name: _sum(array) for name, array in arrays.items()},
        **{name: asdict(getattr(artifact, name)) for name in ("category", "kind", "urgency", "thresholds", "gazetteer", "alarm")},
        "figures": artifact.figures,
    }


def _as_array(meta: dict[str, Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(meta, ensure_ascii=False, sort_keys=True).encode(), dtype=np.uint8)


def _sum(array: NDArray[Any] | None) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() if array is not None else ""


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
