import json
import shlex
from pathlib import Path

from shared.http.auth import KeyFile, digest
from shared.pack.model import Example, Pack
from shared.pack.split import split
from shared.settings import HomeSettings
from tools.access import demo_keys_file
from tools.demo import Traffic, curl, demo_keys, ensure_keys, unseen


def test_the_demos_keys_are_the_same_after_a_restart_and_known_to_the_services(data: Path, pack: Pack) -> None:
    settings = HomeSettings()
    first = ensure_keys(settings, demo_keys(pack))
    file = settings.keys_file.read_bytes()
    assert ensure_keys(settings, demo_keys(pack)) == first
    assert settings.keys_file.read_bytes() == file
    assert {key.digest for key in KeyFile(settings.keys_file).read()} == {digest(secret) for secret in first.values()}
    assert demo_keys_file(settings).stat().st_mode & 0o777 == 0o600


def test_lost_keys_come_back_with_the_same_secrets_and_others_stay(data: Path, pack: Pack) -> None:
    settings = HomeSettings()
    first = ensure_keys(settings, demo_keys(pack))
    keys = KeyFile(settings.keys_file)
    keys.revoke("demo-operator")
    keys.add("mine", "operator")
    assert ensure_keys(settings, demo_keys(pack)) == first
    assert {key.name for key in keys.read()} == {"mine", "demo-channel", "demo-department", "demo-operator", "demo-traffic"}


def test_each_kind_of_user_has_a_key(pack: Pack) -> None:
    assert [(key.name, key.role, key.scope) for key in demo_keys(pack)] == [
        ("channel", "channel", ()),
        ("department", "department", ("city-roads",)),
        ("operator", "operator", ()),
        ("traffic", "channel", ()),
    ]


def test_made_up_traffic_goes_on_where_it_was(data: Path, pack: Pack, examples: list[Example]) -> None:
    traffic = Traffic(HomeSettings(), pack, examples)
    seen = []
    for _ in range(3):
        seen.append(traffic.message())
        traffic.sent()
    again = Traffic(HomeSettings(), pack, examples)
    assert again.message()["external_id"].endswith("-000003")
    assert again.message() == Traffic(HomeSettings(), pack, examples).message()
    assert len({message["external_id"] for message in seen}) == 3
    assert {message["channel"] for message in seen} == {"app", "hotline"}
    assert all(message["external_id"].startswith("demo-") for message in seen)


def test_a_broken_note_of_where_it_was_begins_anew(data: Path, pack: Pack, examples: list[Example]) -> None:
    (data / "demo-traffic.json").write_text("{")
    assert Traffic(HomeSettings(), pack, examples).message()["external_id"].endswith("-000000")


def test_made_up_traffic_is_what_the_classifier_has_not_learned_from(examples: list[Example]) -> None:
    many = [Example(text=f"路灯坏了{number}盏", category="roads", kind="report") for number in range(100)]
    drawn = unseen(many)
    assert 5 < len(drawn) < 40
    learned, kept = split(many)
    assert drawn == kept
    assert not set(drawn) & set(learned)
    few = many[:1]  # none can be spared
    assert unseen(few) == few


def test_the_printed_command_survives_the_shell() -> None:
    message = {"channel": "app", "text": "路灯坏了 it's dark"}
    words = shlex.split(curl("http://127.0.0.1:8001", "secret", message))
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8001/v1/messages"]
    assert json.loads(words[-1]) == message
    assert "Authorization: Bearer secret" in words
