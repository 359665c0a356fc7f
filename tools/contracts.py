"""`python -m tools.contracts`: write the contracts in docs/contracts from the code that keeps them.

A JSON Schema per event type, one AsyncAPI document for the topics, one OpenAPI document per service, and an index.
The same code gives the same bytes, so that a test can compare what is committed with what is true.
"""

import argparse
import importlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from fastapi import FastAPI

from shared.events import catalog
from shared.events.catalog import CATALOG, Entry
from shared.log.port import MAX_RECORD_BYTES, TopicSpec

Tree: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "contracts"
COMMAND = ".venv/bin/python -m tools.contracts"
"""What makes them again; the test says so when they are out of date."""

_CODE = "{code}"
_HEADERS: dict[str, tuple[str, bool]] = {
    "ce_specversion": ("Always `1.0` (CloudEvents, Kafka binary mode).", True),
    "ce_id": ("The event's id. A repeat of an event carries the same one.", True),
    "ce_source": ("The service that says so: `/services/intake`.", True),
    "ce_type": ("The event's type: which message of this document it is.", True),
    "ce_subject": ("The message or the case it happened to; equals the record's key.", True),
    "ce_time": ("When, RFC 3339. It dates the event and never orders it.", True),
    "ce_dataschema": ("`urn:yijian:schema:` and the type: the `$id` of the schema of the data.", True),
    "content-type": ("Always `application/json`.", True),
    "ce_sequence": ("The event's number in its case (or message), contiguous from 1: drop what is not greater.", False),
    "ce_packversion": ("The version of the city's pack whose codes the data uses.", False),
    "traceparent": ("W3C trace context of the request that began it.", False),
}


def documents() -> dict[str, str]:
    """Every contract: its path below docs/contracts, and its text."""
    made = {f"events/{kind}.json": _json(event_schema(entry)) for kind, entry in CATALOG.items()}
    made["asyncapi.yaml"] = _yaml(asyncapi())
    made |= {f"openapi-{name}.json": _json(app.openapi()) for name, app in apps()}
    made["README.md"] = _index(made)
    return made


def write(folder: Path = FOLDER, wanted: dict[str, str] | None = None) -> list[str]:
    """Make the folder hold exactly the contracts; the paths that were changed."""
    wanted = wanted or documents()
    changed = stale(folder, wanted)
    for path in changed:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path in wanted:
            file.write_text(wanted[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def stale(folder: Path = FOLDER, wanted: dict[str, str] | None = None) -> list[str]:
    """The paths that are missing, different, or no contract any more."""
    wanted = wanted or documents()
    there = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def event_schema(entry: Entry) -> Tree:
    """The JSON Schema (2020-12) of one event's data. It is open: later versions may add fields."""
    schema = entry.model.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:yijian:schema:{entry.type}"}
    return head | {"title": entry.type} | {name: value for name, value in schema.items() if name != "title"}


def apps() -> Iterator[tuple[str, FastAPI]]:
    """Every service that has an app, by name. Making an app opens nothing."""
    for folder in sorted(path for path in (ROOT / "services").iterdir() if path.is_dir()):
        module = f"services.{folder.name}.app"
        if (folder / "__init__.py").is_file() and importlib.util.find_spec(module):
            yield folder.name, importlib.import_module(module).create_app()


def asyncapi() -> Tree:
    """The AsyncAPI 3.0 document: which topic carries what, keyed how, said by whom and read by whom."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Yijian events", "version": "1", "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": {"log": {"host": "{brokers}", "protocol": "kafka", "description": "Apache Kafka 4.", "variables": _BROKERS}},
        "channels": {_name(topic.name): _channel(topic) for topic in catalog.topics([_CODE])},
        "operations": dict(_operations()),
        "components": {
            "messages": {kind: _message(entry) for kind, entry in CATALOG.items()},
            "schemas": {"headers": _headers()},
        },
    }


_ABOUT = (
    "CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the value is the data as JSON. "
    f"A record has at most {MAX_RECORD_BYTES:,} bytes with its headers. Every event may arrive more than once; order holds per "
    "key. A consumer keeps the last `ce_sequence` of each key and drops what is not greater: from there on each event takes "
    "effect once. In a department's topic the numbers increase but have gaps, since other departments' turns are not shown. "
    "Consumers pass over fields and types that they do not know."
)
_BROKERS = {"brokers": {"description": "host:port of one or more brokers, as in YIJIAN_LOG.", "default": "kafka:9092"}}
_KEYS = {"message": "The message's id.", "case": "The case's id."}


def _channel(topic: TopicSpec) -> Tree:
    channel: Tree = {
        "address": topic.name,
        "title": topic.name,
        "description": _says(topic.name),
        "messages": {entry.type: {"$ref": f"#/components/messages/{entry.type}"} for entry in _carried(topic.name)},
        "bindings": {"kafka": _kafka(topic)},
    }
    if _CODE in topic.name:
        channel["parameters"] = {"code": {"description": "The department's code in the city's pack."}}
    return channel


def _says(topic: str) -> str:
    if _CODE in topic:
        return "One department's cases, while it has its turn at them: written by router, read by that department alone."
    owners = sorted({owner for entry in _carried(topic) for owner in _senders(entry)})
    return f"Written by {' and '.join(owners)}; nobody else may."


def _kafka(topic: TopicSpec) -> Tree:
    retention = {"retention.ms": int(topic.retention_hours * 3_600_000)}
    return {"partitions": topic.partitions, "topicConfiguration": retention, "bindingVersion": "0.5.0"}


def _message(entry: Entry) -> Tree:
    key = {"type": "string", "description": _KEYS["case" if entry.topic == catalog.CASES else "message"]}
    schema = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": {"$ref": f"./events/{entry.type}.json"}}
    return {
        "name": entry.type,
        "title": entry.model.__name__,
        "summary": (entry.model.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": schema,
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "x-owner": " and ".join(_senders(entry)),
    }


def _headers() -> Tree:
    properties = {name: {"type": "string", "description": words} for name, (words, _) in _HEADERS.items()}
    return {"type": "object", "required": [name for name, (_, needed) in _HEADERS.items() if needed], "properties": properties}


def _operations() -> Iterator[tuple[str, Tree]]:
    """Who sends and who receives, one operation per service and topic."""
    for topic in catalog.topics([_CODE]):
        for service in sorted({owner for entry in _carried(topic.name) for owner in _senders(entry)}):
            kinds = [entry.type for entry in _carried(topic.name) if service in _senders(entry)]
            yield f"{service}-sends-{_name(topic.name)}", _operation("send", service, topic.name, kinds)
        for group in _groups(topic.name):
            kinds = [entry.type for entry in _carried(topic.name)]
            yield f"{group}-receives-{_name(topic.name)}", _operation("receive", group, topic.name, kinds)


def _operation(action: str, who: str, topic: str, kinds: list[str]) -> Tree:
    channel = f"#/channels/{_name(topic)}"
    words = f"{who} publishes to {topic}" if action == "send" else f"The consumer group {who} reads {topic}"
    messages = [{"$ref": f"{channel}/messages/{kind}"} for kind in kinds]
    return {"action": action, "summary": f"{words}.", "channel": {"$ref": channel}, "messages": messages, "tags": [{"name": who}]}


def _groups(topic: str) -> list[str]:
    if _CODE in topic:
        return [catalog.FEED_GROUP, "department"]
    return sorted(group for group, topics in catalog.GROUPS.items() if topic in topics)


def _carried(topic: str) -> list[Entry]:
    """The event types on a topic; a department's topic carries what `yijian.cases` carries."""
    source = catalog.CASES if _CODE in topic else topic
    return [entry for entry in CATALOG.values() if entry.topic == source]


def _senders(entry: Entry) -> list[str]:
    """The owner; what the chassis says is said by every service that handles messages on their way to a case."""
    if entry.owner != "shared":
        return [entry.owner]
    return sorted(group for group, topics in catalog.GROUPS.items() if {catalog.MESSAGES, catalog.CLASSIFIED} & set(topics))


def _name(topic: str) -> str:
    return topic.removeprefix("yijian.").replace(f"dept.{_CODE}", "department")


def _index(made: dict[str, str]) -> str:
    rows = [_row(entry) for entry in CATALOG.values()]
    services = [f"* [{path}]({path})" for path in made if path.startswith("openapi-")]
    return "\n".join([_INDEX_HEAD, *rows, "", "## REST", "", *services, ""])


def _row(entry: Entry) -> str:
    says = (entry.model.__doc__ or "").strip()
    return f"| [`{entry.type}`](events/{entry.type}.json) | {says} | `{entry.topic}` | {' and '.join(_senders(entry))} |"


_INDEX_HEAD = f"""# Contracts

Generated from the code by `{COMMAND}`: do not edit. Topics, keys and headers are in [asyncapi.yaml](asyncapi.yaml).

## Events

| type | what it says | topic | said by |
|---|---|---|---|"""


def _json(tree: Tree) -> str:
    return json.dumps(tree, ensure_ascii=False, indent=2) + "\n"


def _yaml(tree: Tree) -> str:
    text = yaml.dump(tree, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return f"# Generated by `{COMMAND}`: do not edit.\n{text}"


class _Plain(yaml.SafeDumper):
    """YAML without anchors: a repeated value is written out."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        return True


def main() -> None:
    """Write the contracts, or with `--check` only say which are out of date (exit 1)."""
    parser = argparse.ArgumentParser(prog="python -m tools.contracts", description="Generate docs/contracts from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a contract is out of date")
    only_check = parser.parse_args().check
    changed = stale() if only_check else write()
    for path in changed:
        print(f"{'out of date' if only_check else 'written'}: {path}")
    raise SystemExit(1 if only_check and changed else 0)


if __name__ == "__main__":
    main()
