"""A model on disk: the same after a round trip, and refused with a reason when anything is wrong with it."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.classifier.artifact import FILE, BadArtifact, load, save, saved_version
from services.classifier.inference import Classifier
from services.classifier.learned import Artifact
from services.classifier.model import Text
from services.classifier.school import TooFewExamples
from services.classifier.training import train, version_of
from shared.pack.model import Example, Pack

TEXTS = [Text("", "电梯坏了"), Text("标题", "东门街的自来水发黄，快来人")]


@pytest.fixture
def saved(artifact: Artifact, tmp_path: Path) -> Path:
    save(artifact, tmp_path)
    return tmp_path


def _rewrite(folder: Path, **changed: object) -> None:
    """The file with other arrays, and with its meta data updated from `meta`."""
    with np.load(folder / FILE) as file:
        content = {name: file[name] for name in file.files}
    meta = json.loads(content["meta"].tobytes()) | changed.pop("meta", {})
    content["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    content |= changed
    np.savez(folder / FILE, **{name: array for name, array in content.items() if array is not None})


def test_a_loaded_model_answers_as_the_trained_one(saved: Path, small: Classifier, town: Pack) -> None:
    loaded = load(saved, town)
    assert loaded.version == small.version == saved_version(saved)
    assert loaded.classify(TEXTS) == small.classify(TEXTS)
    assert loaded.model.figures == small.model.figures
    assert [path.name for path in saved.iterdir()] == [FILE]


def test_a_save_replaces_the_model_before(saved: Path, artifact: Artifact) -> None:
    save(artifact, saved)
    assert saved_version(saved) == artifact.version


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArtifact, match=r"there is no model at .*yijian train"):
        load(tmp_path)
    assert saved_version(tmp_path) is None


@pytest.mark.parametrize("kept", [0, 10, 1_000, -1_000, -1])
def test_a_truncated_model_is_refused(saved: Path, kept: int) -> None:
    whole = (saved / FILE).read_bytes()
    (saved / FILE).write_bytes(whole[:kept])
    with pytest.raises(BadArtifact, match="damaged"):
        load(saved)


def test_a_changed_byte_is_refused(saved: Path) -> None:
    whole = bytearray((saved / FILE).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (saved / FILE).write_bytes(whole)
    with pytest.raises(BadArtifact, match="damaged"):
        load(saved)


@pytest.mark.parametrize(
    "array", ["table", "idf", "topic_weights", "topic_columns", "topic_starts", "topic_bias", "tones", "tone_bias"]
)
def test_an_array_that_is_not_the_one_trained_is_refused(saved: Path, array: str) -> None:
    _rewrite(saved, **{array: np.zeros(3, dtype=np.float32)})
    with pytest.raises(BadArtifact, match="checksums"):
        load(saved)
    _rewrite(saved, **{array: None})
    with pytest.raises(BadArtifact, match="checksums"):
        load(saved)


def test_another_format_is_refused(saved: Path) -> None:
    _rewrite(saved, meta={"format": 999})
    with pytest.raises(BadArtifact, match="has format 999"):
        load(saved)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, other=np.arange(3))
    with pytest.raises(BadArtifact, match="no model"):
        load(tmp_path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, meta=np.array([{"format": 1}], dtype=object))
    with pytest.raises(BadArtifact, match="damaged or no model"):
        load(tmp_path)


def test_a_model_of_another_pack_is_refused(saved: Path, town: Pack) -> None:
    newer = town.model_copy(update={"city": town.city.model_copy(update={"version": "2"})})
    with pytest.raises(BadArtifact, match="trained for pack town 1, not for town 2"):
        load(saved, newer)


def test_the_version_follows_everything_that_changes_an_answer(town: Pack, taught: list[Example]) -> None:
    version = version_of(town, taught)
    assert version == version_of(town, list(taught))
    assert version != version_of(town, taught[1:])
    assert version != version_of(town.model_copy(update={"regions": town.regions[1:]}), taught)
    assert version != version_of(town.model_copy(update={"categories": town.categories[1:]}), taught)


def test_nothing_is_learned_from_nothing(town: Pack) -> None:
    with pytest.raises(TooFewExamples, match="0 of 0 examples"):
        train(town, [])


def test_examples_of_unknown_categories_and_repeats_are_left_out(town: Pack, taught: list[Example]) -> None:
    stray = taught[0].model_copy(update={"category": "home", "text": "别的"})
    figures = train(town, [*taught, stray, taught[0]]).figures
    assert figures["examples"] == len(taught)
