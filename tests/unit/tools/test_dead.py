"""`yijian dead`: whose letter it is, and what is wrong with a command."""

from pathlib import Path

import pytest

from shared.errors import BadSettings
from tools import dead


@pytest.mark.parametrize(
    ("letter", "service"),
    [("intake/yijian.cases/1", "intake"), ("router-feed/yijian.dept.x/1", "router"), ("router-outbox/c/1", "router")],
)
def test_a_letter_names_its_service(letter: str, service: str):
    assert dead._service(letter) == service


def test_one_letter_or_all_of_a_reason():
    with pytest.raises(BadSettings, match="one letter"):
        dead.replay(None)
    with pytest.raises(BadSettings, match="one letter"):
        dead.replay("intake/x/1", reason="bad-record")


def test_a_letter_of_nobody_is_said_to_be_one():
    with pytest.raises(BadSettings, match="no service 'foo'"):
        dead.show("foo/x/1")


def test_a_mended_file_must_be_json(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text("{")
    with pytest.raises(BadSettings, match=r"a\.json"):
        dead.replay("intake/x/1", data=file)
