"""docker-compose.yml is a valid Compose file and keeps what this repository promises of it.

No Docker engine is needed: this reads files. That the containers start is not shown here (deploy/compose/README.md).
The Compose specification's JSON schema comes with the package check-jsonschema.
"""

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.local import ports
from services.classifier.settings import ClassifierSettings
from services.intake.settings import IntakeSettings
from services.router.settings import RouterSettings
from shared.settings import HomeSettings
from tests.architecture.house import ROOT

SETTINGS = {"intake": IntakeSettings, "classifier": ClassifierSettings, "router": RouterSettings}
ONE_SHOTS = {"topics", "keys", "mongo-init"}
IMAGE_ROLES = {*SETTINGS, "topics", "keys"}
WRITABLE_ROOT = {"kafka": "the image writes its configuration at start"}

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

every_service = pytest.mark.parametrize("name", SERVICES)
every_role = pytest.mark.parametrize("name", SETTINGS)


@cache
def specification() -> dict[str, Any]:
    """The Compose specification's schema, found without importing the package that carries it."""
    found = find_spec("check_jsonschema")
    assert found, "check-jsonschema is missing: install requirements/dev.txt"
    assert found.origin
    path = Path(found.origin).parent / "builtin_schemas/vendor/compose-spec.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_fits_the_compose_specification():
    mistakes = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(specification()).iter_errors(COMPOSE)]
    assert not mistakes, "\n".join(mistakes)


def test_the_specification_would_find_a_mistake():
    wrong = json.loads(json.dumps(COMPOSE))
    wrong["services"]["intake"]["helthcheck"] = {}
    assert not Draft202012Validator(specification()).is_valid(wrong)


def test_it_holds_the_services_of_the_design():
    assert SERVICES.keys() == IMAGE_ROLES | {"kafka", "mongo", "mongo-init"}
    assert SETTINGS.keys() == ports.OFFSETS.keys()


@every_service
def test_a_service_has_a_health_check_or_runs_once(name: str):
    health = SERVICES[name]["healthcheck"]
    if name in ONE_SHOTS:
        assert health == {"disable": True}
        assert SERVICES[name]["restart"].startswith("on-failure")
    else:
        assert health["test"][0] == "CMD"
        assert {"interval", "timeout", "retries", "start_period"} <= health.keys()
        assert SERVICES[name]["restart"] == "unless-stopped"


@every_service
def test_a_service_has_limits(name: str):
    assert {"cpus", "memory", "pids"} <= SERVICES[name]["deploy"]["resources"]["limits"].keys()
    assert SERVICES[name]["logging"]["options"]["max-size"]


@every_service
def test_a_service_is_not_root_and_gains_nothing(name: str):
    service = SERVICES[name]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service.get("read_only", False) is (name not in WRITABLE_ROOT)


@every_service
def test_a_service_depends_on_what_is_there_and_says_how_far_it_must_be(name: str):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOTS else "service_healthy"
        assert how == {"condition": expected}, f"{name} → {other}"
        assert other in SERVICES


@every_service
def test_a_services_volumes_and_networks_are_declared(name: str):
    named = {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", ())}
    assert named <= COMPOSE["volumes"].keys()
    assert set(SERVICES[name]["networks"]) <= COMPOSE["networks"].keys()


def test_intake_starts_while_the_log_is_away():
    assert not {"kafka", "topics"} & SERVICES["intake"]["depends_on"].keys()


def test_only_intake_sees_the_sealing_keys():
    holders = {
        name for name, service in SERVICES.items() if any(one.startswith("secrets:") for one in service.get("volumes", ()))
    }
    assert holders == {"intake"}


@every_role
def test_a_role_runs_its_service_at_its_port(name: str):
    service, port = SERVICES[name], HomeSettings.model_fields["port"].default + ports.OFFSETS[name]
    assert service["command"] == ["python", "-m", f"services.{name}"]
    assert (ROOT / "services" / name / "__main__.py").is_file()
    assert [one["target"] for one in service["ports"]] == [port]
    assert service["healthcheck"]["test"][-1] == str(port)
    assert f" {port}" in line("EXPOSE")


@every_role
def test_a_role_stops_after_it_has_drained(name: str):
    grace = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    assert grace > 2 * SETTINGS[name].model_fields["drain_seconds"].default


@pytest.mark.parametrize("name", sorted(IMAGE_ROLES))
def test_every_variable_is_a_setting_of_its_service(name: str):
    known = {f"YIJIAN_{field.upper()}" for field in SETTINGS.get(name, HomeSettings).model_fields}
    assert variables(SERVICES[name]["environment"]) <= known


def test_every_variable_of_the_image_and_every_substitution_is_a_setting():
    known = {f"YIJIAN_{field.upper()}" for kind in SETTINGS.values() for field in kind.model_fields}
    assert variables((ROOT / "docker-compose.yml").read_text(encoding="utf-8")) <= known
    assert variables(DOCKERFILE) <= known


def test_the_image_is_built_from_hashes_and_does_not_run_as_root():
    assert "--require-hashes" in DOCKERFILE
    assert line("USER") == "USER 10001:10001"
    assert DOCKERFILE.count("\nFROM ") == 2
    assert all("slim" in found for found in re.findall(r"^FROM .*", DOCKERFILE, re.MULTILINE))


def test_what_the_dockerfile_copies_is_not_ignored_and_exists():
    allowed = {one[1:] for one in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if one.startswith("!")}
    sources = [source for found in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for source in found.split()]
    for source in sources:
        path = source.replace("${PACK}", "packs/qingting")
        assert path.split("/")[0] in allowed, f"{path} does not reach the build"
        assert (ROOT / path).exists(), f"{path} is gone"


def test_kafka_is_the_version_that_the_tests_run_against():
    tested = re.search(r"<version>(4\.\d+\.\d+)</version>", (ROOT / "tests/support/kafka/pom.xml").read_text(encoding="utf-8"))
    assert tested
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested[1]}"


def line(instruction: str) -> str:
    """The Dockerfile's last line with this instruction."""
    return re.findall(rf"^{instruction} .*", DOCKERFILE, re.MULTILINE)[-1]


def variables(where: Any) -> set[str]:
    """Every YIJIAN_ variable that is named in it."""
    return set(re.findall(r"YIJIAN_[A-Z_]+", where if isinstance(where, str) else json.dumps(where)))
