"""The published contracts are true: they equal what the code gives, and they are well-formed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.events.catalog import CATALOG
from shared.events.envelope import Event, to_record
from tools import contracts

SERVICES = ("classifier", "intake", "router")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every contract as the code gives it now."""
    return contracts.documents()


def test_the_committed_contracts_are_what_the_code_says(made: dict[str, str]):
    stale = contracts.stale(wanted=made)
    assert not stale, f"out of date: {', '.join(stale)}. Run: {contracts.COMMAND}"


def test_the_same_code_gives_the_same_bytes_in_another_process(made: dict[str, str], tmp_path: Path):
    program = "import sys, pathlib; from tools import contracts; contracts.write(pathlib.Path(sys.argv[1]))"
    environment = {"PYTHONHASHSEED": "4711", "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=contracts.ROOT, env=environment, check=True, timeout=100)
    assert contracts.stale(tmp_path, made) == []


def test_writing_makes_the_folder_exactly_the_contracts(made: dict[str, str], tmp_path: Path):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "gone.json").write_text("{}", encoding="utf-8")
    assert "events/gone.json" in contracts.write(tmp_path, made)
    assert contracts.stale(tmp_path, made) == []
    assert contracts.write(tmp_path, made) == []


@pytest.mark.parametrize("kind", CATALOG)
def test_every_event_has_a_valid_schema_under_the_name_its_records_carry(kind: str):
    schema = contracts.event_schema(CATALOG[kind])
    Draft202012Validator.check_schema(schema)
    event = Event(id="1", type=kind, source="/services/test", subject="1", time="2026-11-20T01:12:00Z", data={})
    assert schema["$id"] == to_record(event, CATALOG[kind].topic).headers["ce_dataschema"]


def test_the_headers_of_every_record_are_in_the_contract():
    event = Event("1", "t", "/s", "1", "2026-11-20T01:12:00Z", {}, sequence=1, pack_version="1", traceparent="00-1-1-00")
    headers = contracts.asyncapi()["components"]["schemas"]["headers"]
    assert to_record(event, "t").headers.keys() == headers["properties"].keys()
    bare = to_record(Event("1", "t", "/s", "1", "2026-11-20T01:12:00Z", {}), "t").headers
    assert bare.keys() == set(headers["required"])


def test_every_reference_of_the_asyncapi_document_leads_somewhere(made: dict[str, str]):
    tree = yaml.safe_load(made["asyncapi.yaml"])
    for reference in references(tree):
        if reference.startswith("./"):
            assert reference.removeprefix("./") in made
        else:
            assert resolve(tree, reference) is not None, reference


def test_every_event_type_is_on_a_channel_with_a_sender():
    tree = contracts.asyncapi()
    sent = {
        one["$ref"].rpartition("/")[2] for op in tree["operations"].values() if op["action"] == "send" for one in op["messages"]
    }
    assert sent == CATALOG.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_publishes_its_routes(made: dict[str, str], service: str):
    document = json.loads(made[f"openapi-{service}.json"])
    assert document["openapi"].startswith("3.1")
    assert {"/health/live", "/health/ready", "/metrics", "/v1/account"} <= document["paths"].keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_key_a_route_asks_for_is_declared(made: dict[str, str], service: str):
    document = json.loads(made[f"openapi-{service}.json"])
    declared = document.get("components", {}).get("securitySchemes", {}).keys()
    routes = [route for methods in document["paths"].values() for route in methods.values()]
    asked = {name for route in routes for one in route.get("security", ()) for name in one}
    assert asked <= declared


def references(tree: Any) -> list[str]:
    """Every `$ref` below this node."""
    if isinstance(tree, list):
        return [found for one in tree for found in references(one)]
    if not isinstance(tree, dict):
        return []
    own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
    return own + [found for one in tree.values() for found in references(one)]


def resolve(tree: Any, reference: str) -> Any:
    """What a local reference means, or None. Names may hold dots, never slashes."""
    for part in reference.removeprefix("#/").split("/"):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
