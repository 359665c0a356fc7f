import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared.errors import BadSettings
from shared.http.auth import KeyFile, digest
from shared.pack.model import Pack
from shared.settings import HomeSettings
from tools import cli, keys
from tools.access import access
from tools.demo import demo_keys, ensure_keys
from tools.keys import expiry, free_name

Run = Callable[..., Result]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def run(data: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(keys, "load_pack", lambda _: pack)
    return lambda *arguments: CliRunner().invoke(cli.app, ["keys", *arguments])


def test_a_key_is_made_listed_without_its_secret_and_revoked(run: Run, data: Path) -> None:
    secret = run("add", "--role", "channel", "--channel", "hotline", "--channel", "app", "--test").stdout.strip()
    (key,) = KeyFile(data / "keys.json").read()
    assert (key.name, key.role, key.scope, key.test, key.digest) == (
        "channel-hotline",
        "channel",
        ("hotline", "app"),
        True,
        digest(secret),
    )
    listed = run("list").output
    assert "channel-hotline" in listed
    assert secret not in listed
    assert run("revoke", "channel-hotline").exit_code == 0
    assert KeyFile(data / "keys.json").read() == []


def test_a_file_of_keys_is_readable_by_its_owner_only(run: Run, data: Path) -> None:
    run("add", "--role", "operator")
    assert (data / "keys.json").stat().st_mode & 0o077 == 0


def test_keys_made_at_once_are_all_there(data: Path) -> None:
    names = [f"key-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: KeyFile(data / "keys.json").add(name, "operator"), names))
    assert {key.name for key in KeyFile(data / "keys.json").read()} == set(names)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as another")
def test_keys_that_root_makes_belong_to_the_folders_owner(data: Path) -> None:
    data.mkdir(exist_ok=True)
    os.chown(data, 12345, 12345)
    KeyFile(data / "keys.json").add("one", "operator")
    assert {file.stat().st_uid for file in data.iterdir()} == {12345}


def test_every_role_has_its_scope(run: Run, data: Path) -> None:
    run("add", "--role", "channel", "--channel", "all")
    run("add", "--role", "department", "--department", "city-roads", "--expires", "2100-01-31")
    run("add", "--role", "operator")
    run("add", "--role", "operator")
    assert [(key.name, key.scope, key.expires) for key in KeyFile(data / "keys.json").read()] == [
        ("channel-all", (), None),
        ("department-city-roads", ("city-roads",), "2100-01-30T16:00:00.000Z"),
        ("operator", (), None),
        ("operator-2", (), None),
    ]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("add", "--role", "chanel"), "did you mean `channel`"),
        (("add", "--role", "channel"), "a channel key needs --channel; one of app, hotline"),
        (("add", "--role", "channel", "--channel", "hotlin"), "no channel 'hotlin'; did you mean `hotline`"),
        (("add", "--role", "channel", "--channel", "old"), "no channel 'old'"),
        (("add", "--role", "department", "--department", "city-road"), "did you mean `city-roads`"),
        (("add", "--role", "operator", "--channel", "hotline"), "--channel goes with --role channel"),
        (("add", "--role", "operator", "--expires", "soon"), "90d"),
        (("add", "--role", "operator", "--expires", "2020-01-01"), "over already"),
        (("revoke", "nobody"), "no key named 'nobody'"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(run: Run, data: Path, arguments: tuple[str, ...], advice: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, BadSettings)
    assert advice in str(result.exception)
    assert not (data / "keys.json").exists()


def test_a_name_is_taken_once(run: Run) -> None:
    run("add", "--role", "operator", "--name", "desk")
    assert "choose another --name" in str(run("add", "--role", "operator", "--name", "desk").exception)
    assert free_name("operator", (), {"operator", "operator-2"}) == "operator-3"


def test_an_expiry_is_a_number_of_days_or_a_date_of_the_city() -> None:
    assert expiry("90d", NOW, "Asia/Shanghai") == "2027-02-21T12:00:00.000Z"
    assert expiry("2027-01-31", NOW, "Asia/Shanghai") == "2027-01-30T16:00:00.000Z"


def test_a_mistake_on_the_command_line_is_one_line_and_ends_with_2(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["yijian", "keys", "revoke", "nobody"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "yijian: there is no key named 'nobody'; see `yijian keys list`\n"


def test_a_command_uses_the_key_it_is_given_then_the_environments_then_the_demos(
    data: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = HomeSettings()
    with pytest.raises(BadSettings, match="yijian keys add --role channel"):
        access(settings, "channel", None)
    secrets = ensure_keys(settings, demo_keys(pack))
    assert access(settings, "channel", None).secret == secrets["channel"]
    monkeypatch.setenv("YIJIAN_KEY", "from the environment")
    assert access(settings, "channel", None).secret == "from the environment"
    assert access(settings, "channel", "given").secret == "given"


def test_a_file_of_keys_can_be_read_by_the_version_before_and_by_the_one_after(run: Run, data: Path) -> None:
    run("add", "--role", "operator")
    path = data / "keys.json"
    (entry,) = json.loads(path.read_text())["keys"]
    assert {"rate", "burst"}.isdisjoint(entry)
    path.write_text(json.dumps({"keys": [entry | {"colour": "red"}]}))
    assert KeyFile(path).read()[0].name == "operator"


def test_a_channels_key_may_have_a_limit_of_its_own(run: Run, data: Path) -> None:
    run("add", "--role", "channel", "--channel", "hotline", "--rate", "50", "--burst", "200")
    (key,) = KeyFile(data / "keys.json").read()
    assert (key.rate, key.burst) == (50.0, 200)
    assert "50/s, 200 at once" in run("list").output
    assert "--rate and --burst go with --role channel" in str(run("add", "--role", "operator", "--rate", "5").exception)
    assert "--burst needs a --rate" in str(run("add", "--role", "channel", "--channel", "app", "--burst", "5").exception)
