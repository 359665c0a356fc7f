"""`yijian train` learns from four fifths, says how good it is level by level, and does nothing twice."""

from pathlib import Path

import pytest

from services.classifier.artifact import read
from shared.pack.load import read_examples
from shared.pack.split import split
from tools.pack_new import write_starter
from tools.train import train_command


def test_training_keeps_a_fifth_back_and_says_how_good_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_starter(tmp_path / "pack", "mine")
    taught, kept = split(read_examples(tmp_path / "pack"))
    train_command(tmp_path / "pack", tmp_path / "model")
    said = capsys.readouterr().out
    assert read(tmp_path / "model").figures["examples"] == len(taught)
    assert f"never learned from: {len(kept)} examples" in said
    for level in (1, 2):
        assert f"level {level}: accuracy 0." in said
    train_command(tmp_path / "pack", tmp_path / "model")
    assert "nothing that it learns from has changed" in capsys.readouterr().out
