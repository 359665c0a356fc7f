"""What `yijian up` looks at before it starts anything: whose data a folder holds, and what its model was trained from."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local import owner
from services.classifier.artifact import read
from shared.errors import BadSettings
from shared.pack.load import load_pack
from shared.settings import HomeSettings
from tools import stamp, up
from tools.pack_new import write_starter

_EXAMPLE = '{"text":"河埠头的石阶松了，挑水的人差点滑下去","category":"urban.lamps","kind":"report"}\n'


@pytest.mark.parametrize(
    ("pack", "data"),
    [("packs/qingting", "var"), ("packs/larkhaven", "var/larkhaven"), ("/srv/town/", "var/town"), ("./packs/qingting", "var")],
)
def test_each_city_has_a_data_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, pack: str, data: str) -> None:
    monkeypatch.delenv("YIJIAN_DATA", raising=False)
    monkeypatch.setenv("YIJIAN_PACK", pack)
    assert HomeSettings().data == Path(data)
    monkeypatch.setenv("YIJIAN_DATA", "elsewhere")
    assert HomeSettings().data == Path("elsewhere")


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_run_starts_the_pack_that_it_is_given() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("YIJIAN_", "MAKE"))}
    said = subprocess.run(["make", "-n", "run", "PACK=larkhaven"], env=clean, capture_output=True, text=True, check=True).stdout
    assert said.rstrip().endswith("YIJIAN_PACK=${YIJIAN_PACK:-packs/larkhaven} .venv/bin/yijian up --demo")


def test_a_data_folder_of_one_city_is_refused_to_another_with_the_way_out(tmp_path: Path) -> None:
    owner.claim(tmp_path, "qingting")
    owner.claim(tmp_path, "qingting")
    with pytest.raises(BadSettings, match="holds the messages of qingting") as refused:
        owner.claim(tmp_path, "larkhaven")
    assert f"YIJIAN_DATA={tmp_path}-larkhaven" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_mark_that_a_crash_left_empty_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "city").touch()
    owner.claim(tmp_path, "qingting")
    assert (tmp_path / "city").read_text().strip() == "qingting"


def test_a_model_is_current_until_anything_that_it_learned_from_changes(tmp_path: Path) -> None:
    pack, model = tmp_path / "pack", tmp_path / "model"
    write_starter(pack, "mine")
    assert not stamp.is_current(model, pack)
    model.mkdir()
    stamp.put(model, stamp.stamp_of(pack))
    assert not stamp.is_current(model, pack), "a stamp is no model"
    (model / "classifier.npz").touch()
    assert stamp.is_current(model, pack)
    with next((pack / "examples").iterdir()).open("a", encoding="utf-8") as file:
        file.write(_EXAMPLE)
    assert not stamp.is_current(model, pack)


def test_a_model_of_another_pack_is_trained_anew_and_one_of_this_pack_is_left_alone(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also a model that lies where it does because the folder was used with another pack before."""
    model = data / "model"
    for name in ("first", "second", "second"):
        pack = tmp_path / "packs" / name
        if not pack.exists():
            write_starter(pack, name)
        home = up.Home(HomeSettings(pack=pack), load_pack(pack), model)
        asyncio.run(up.prepare_model(home))
        assert read(model, home.pack).pack_name == name
    said = [line for line in capfd.readouterr().out.splitlines() if line.startswith("training the classifier")]
    assert [line.rpartition(" (")[2] for line in said] == ["once)", "the pack or the program has changed since the last time)"]
