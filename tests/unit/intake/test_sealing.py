"""What is sealed opens with its key and in its place only; keys are made once, and old ones go on opening."""

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.sealing import Hasher, SealBroken, Sealer, Secrets, rotate_secrets
from shared import clock
from shared.errors import BadSettings, Permanent
from shared.testing import people

SUITES = ("intl", "gm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "secrets.json"


@pytest.fixture(scope="module", params=SUITES)
def sealer(request, tmp_path_factory) -> Sealer:
    return Sealer(Secrets(tmp_path_factory.mktemp("keys") / "secrets.json", request.param))


@given(data=st.data())
def test_what_is_sealed_opens(sealer: Sealer, data):
    plaintext, context = data.draw(st.binary(max_size=2000)), data.draw(st.text(st.characters(exclude_categories=["Cs"])))
    assert sealer.unseal(sealer.seal(plaintext, context), context) == plaintext


def test_a_seal_names_its_suite_and_key(path: Path):
    keys = Secrets(path, "gm")
    version, suite, key, _ = Sealer(keys).seal(b"x", "m1").split(".")
    assert (version, suite, key) == ("seal1", "gm", keys.active.id)


def test_no_two_seals_are_alike(sealer: Sealer):
    assert len({sealer.seal(b"x", "m1") for _ in range(1000)}) == 1000


def test_any_changed_character_is_caught(sealer: Sealer):
    text = sealer.seal(b"what the citizen said", "m1")
    for place, char in enumerate(text):
        for other in {"A", "_", "=", "."} - {char}:
            with pytest.raises(SealBroken):
                sealer.unseal(text[:place] + other + text[place + 1 :], "m1")


def test_any_changed_bit_is_caught(sealer: Sealer):
    header, _, body = sealer.seal(b"what the citizen said", "m1").rpartition(".")
    sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            sealer.unseal(f"{header}.{base64.urlsafe_b64encode(changed).decode().rstrip('=')}", "m1")


def test_a_cut_off_seal_is_caught(sealer: Sealer):
    text = sealer.seal(b"what the citizen said", "m1")
    for length in range(len(text)):
        with pytest.raises(SealBroken):
            sealer.unseal(text[:length], "m1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a sealed text"),
        ("hello", "not a sealed text"),
        ("seal9.intl.k-1.AAAA", "begins with 'seal9'"),
        ("seal1.intl.k-gone.AAAA", "key 'k-gone' is not in"),
        ("seal1.gm.{key}.AAAA", "is of suite 'intl'"),
        ("seal1.intl.{key}.AAAA", "cut off"),
        ("seal1.intl.{key}.ÄÖ", "not base64url"),
    ],
)
def test_what_is_broken_is_said(path: Path, text: str, says: str):
    keys = Secrets(path)
    with pytest.raises(SealBroken, match=says) as caught:
        Sealer(keys).unseal(text.replace("{key}", keys.active.id), "m1")
    assert isinstance(caught.value, Permanent)


def test_another_context_does_not_open(sealer: Sealer):
    with pytest.raises(SealBroken, match="another context than 'm2'"):
        sealer.unseal(sealer.seal(b"x", "m1"), "m2")


def test_the_file_is_for_its_owner_only(path: Path):
    Secrets(path).rotate()
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "secrets.json": 0o600,
        "secrets.json.lock": 0o600,
    }


def test_a_key_never_shows_in_a_repr(path: Path):
    keys = Secrets(path)
    assert keys.active.key not in repr(keys.active)


START = """
import sys
from pathlib import Path
from services.intake.sealing import Hasher, Sealer, Secrets
input()
keys = Secrets(Path(sys.argv[1]))
print(Sealer(keys).seal(b"x", "m1"), Hasher(keys).identifier("phone", "19999000000"))
"""


def test_processes_that_start_at_once_agree(path: Path):
    command = [sys.executable, "-c", START, str(path)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert len({identifier for _, identifier in told}) == 1
    assert {Sealer(Secrets(path)).unseal(text, "m1") for text, _ in told} == {b"x"}
    assert len(json.loads(path.read_text())["sealing"]) == 1


def test_threads_that_start_at_once_agree(path: Path):
    with ThreadPoolExecutor(16) as pool:
        assert len({keys.active.id for keys in pool.map(Secrets, [path] * 64)}) == 1


def test_a_rotated_key_seals_and_the_old_one_still_opens(path: Path):
    keys = Secrets(path)
    old = Sealer(keys).seal(b"old", "m1")
    identifier = Hasher(keys).identifier("phone", people.phone())
    assert keys.rotate("gm") == keys.active.id
    new = Sealer(keys).seal(b"new", "m1")
    assert new.startswith(f"seal1.gm.{keys.active.id}.")
    again = Secrets(path)
    assert [Sealer(again).unseal(text, "m1") for text in (old, new)] == [b"old", b"new"]
    assert Hasher(again).identifier("phone", people.phone()) == identifier


def test_a_running_service_follows_a_rotation(path: Path, monkeypatch):
    running, idle = Secrets(path), Secrets(path)
    assert running.active == idle.active
    key = rotate_secrets(path)
    assert Sealer(running).unseal(Sealer(Secrets(path)).seal(b"new", "m1"), "m1") == b"new"
    monkeypatch.setattr(clock, "monotonic", lambda: float("inf"))
    assert idle.active.id == key


def test_a_lost_file_stops_nothing_that_runs(path: Path):
    keys = Secrets(path)
    sealer = Sealer(keys)
    text = sealer.seal(b"x", "m1")
    path.write_text("{")
    assert keys.find("k-unknown") is None
    path.unlink()
    assert keys.find("k-unknown") is None
    assert sealer.unseal(text, "m1") == b"x"


@pytest.mark.parametrize("change", [{"active": "k-none"}, {"sealing": [{}]}, {"pseudonym": None}])
def test_a_broken_file_is_named(path: Path, change: dict):
    Secrets(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadSettings, match=str(path)):
        Secrets(path)


def test_a_key_of_the_wrong_length_is_named(path: Path):
    Secrets(path)
    content = json.loads(path.read_text())
    content["sealing"][0]["key"] = "AAAA"
    path.write_text(json.dumps(content))
    with pytest.raises(BadSettings, match="has 3 bytes"):
        Secrets(path)


def test_a_rotation_makes_no_first_file(path: Path):
    with pytest.raises(BadSettings, match="there is no file"):
        rotate_secrets(path)
    assert not path.exists()


@pytest.fixture(params=SUITES)
def hasher(request, path: Path) -> Hasher:
    return Hasher(Secrets(path, request.param))


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "+86 199-9900-0007", "19999000007"),
        ("email", "Citizen7@Example.com ", "citizen7@example.com"),
        ("resident_id", "99010219900307012x", "990102 19900307 012X"),
        ("account", " someone", "someone"),
    ],
)
def test_one_value_has_one_identifier(hasher: Hasher, kind: str, one: str, other: str):
    assert hasher.identifier(kind, one) == hasher.identifier(kind, other)


def test_the_forms_of_hashes(hasher: Hasher):
    identifier = hasher.identifier("phone", people.phone())
    assert [len(part) for part in identifier.split(":")] == [5, 32]
    assert len(hasher.pseudonym(identifier)) == 26
    assert hasher.pseudonym(identifier).startswith("c-")
    assert len({hasher.fingerprint(body) for body in (b"", b"a", b"b")}) == 3


def test_kinds_keys_and_purposes_do_not_mix(hasher: Hasher, tmp_path: Path):
    value = people.phone()
    assert hasher.identifier("phone", value)[6:] != hasher.identifier("account", value)[8:]
    assert hasher.identifier("phone", value) != Hasher(Secrets(tmp_path / "other.json")).identifier("phone", value)
    assert hasher.pseudonym("a")[2:] != hasher.fingerprint(b"a")[:24]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("phone", people.phone(), True),
        ("phone", "28886666", True),
        ("phone", "无", False),
        ("phone", "12345", False),
        ("phone", "00000000000", False),
        ("phone", "", False),
        ("account", "u1", True),
        ("account", "0", False),
        ("email", people.email(), True),
    ],
)
def test_nobodys_values_identify_nobody(hasher: Hasher, kind: str, value: str, expected: bool):
    assert (hasher.identifier(kind, value) is not None) is expected
