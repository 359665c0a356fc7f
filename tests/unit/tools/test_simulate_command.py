"""`yijian simulate` at the command line: a pack of its own, a pack without traffic, and what is said of mistakes."""

import shutil
from pathlib import Path

import pytest

from shared.errors import BadSettings
from shared.pack.mistakes import BadPack
from tests.unit.tools.simulated import PACKS, city, simulation, write
from tools import cli
from tools.simulate.command import pack_folder
from tools.simulate.reading import read_traffic


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.chdir(PACKS.parent)
    monkeypatch.setattr("sys.argv", ["yijian", "simulate", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pack", "nowhere"), "there is no pack in nowhere nor in packs/nowhere"),
        (("--pack", "qingting", "--start", "soon"), "--start 'soon': write a day as 2026-01-01"),
        (("--pack", "qingting", "--days", "0"), "--days 0: a whole number from 1 to 3,660"),
        (("--pack", "qingting", "--per-day", "-5"), "--per-day -5: a whole number from 1 to 1,000,000"),
    ],
)
def test_a_bad_argument_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
):
    assert run(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_pack_is_named_by_its_folder_or_by_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(PACKS.parent)
    assert pack_folder("packs/qingting", Path("other")) == Path("packs/qingting")
    assert pack_folder("qingting", Path("other")) == Path("packs/qingting")
    assert pack_folder(None, Path("other")) == Path("other")
    with pytest.raises(BadSettings):
        pack_folder("packs", Path("other"))


def test_a_mistake_in_the_traffic_has_its_file_and_line(tmp_path: Path):
    shutil.copytree(PACKS / "qingting" / "traffic", tmp_path / "traffic")
    (tmp_path / "traffic" / "event-new.yaml").write_text(
        "- code: bad\n  name: {zh: 坏}\n  on: 13-40\n  days: 3\n  use: once\n  category: urban.waste.bin\n  kind: complaint\n"
        '  regions: ["990199"]\n  texts:\n    - {text: 臭, chanel: app}\n',
        encoding="utf-8",
    )
    with pytest.raises(BadPack) as bad:
        read_traffic(tmp_path, city("qingting"))
    said = str(bad.value)
    assert "event-new.yaml:3: `on` is `13-40`" in said
    assert "event-new.yaml:6: category `urban.waste.bin` is unknown; did you mean `urban.waste.bins`?" in said
    assert "event-new.yaml:8: region `990199` is unknown" in said
    assert "event-new.yaml:10: unknown field `chanel`" in said


def test_a_pack_without_traffic_has_a_plain_rhythm(tmp_path: Path):
    pytest.importorskip("holidays")
    made = write(simulation(14, 200, name="larkhaven", start="2026-06-01"), tmp_path)
    assert 0.8 < len(made.messages) / (14 * 200) < 1.2
    assert {true["group"] for true in made.truth} == {"everyone"}
    assert len({message["channel"] for message in made.messages}) == len(
        [one for one in city("larkhaven").channels if not one.retired]
    )
    assert made.messages[0]["submitted_at"].endswith("+01:00")
    phones = [message["citizen"]["phone"] for message in made.messages if "phone" in message["citizen"]]
    assert all(phone.startswith(city("larkhaven").city.reserved.mobile) for phone in phones)
