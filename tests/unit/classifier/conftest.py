"""A small city with six categories, trained in a second, and the shipped one."""

from pathlib import Path

import pytest

from services.classifier.artifact import load
from services.classifier.inference import Classifier
from services.classifier.learned import Artifact
from services.classifier.training import train
from shared.pack.model import Example, Pack
from tests.unit.classifier.town import TOWN, examples


@pytest.fixture(scope="session")
def town() -> Pack:
    return TOWN


@pytest.fixture(scope="session")
def taught() -> list[Example]:
    return examples()


@pytest.fixture(scope="session")
def artifact(town: Pack, taught: list[Example]) -> Artifact:
    return train(town, taught)


@pytest.fixture(scope="session")
def small(artifact: Artifact) -> Classifier:
    return Classifier(artifact)


@pytest.fixture(scope="session")
def shipped(model: Path) -> Classifier:
    """Of packs/qingting, as `yijian train` makes it."""
    return load(model)
