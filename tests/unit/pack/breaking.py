"""Ways to break a pack."""

from collections.abc import Callable
from typing import TypeAlias

from tests.support.packs import PackFolder

Break: TypeAlias = Callable[[PackFolder], object]
HOUSING, ROUTES, EXAMPLES = "categories/01-housing.yaml", "routes/01-housing.yaml", "examples/01-housing.jsonl"


def swap(name: str, old: str, new: str) -> Break:
    return lambda pack: pack.replace(name, old, new)


def add(name: str, text: str) -> Break:
    return lambda pack: pack.append(name, text)


def put(name: str, text: str | bytes) -> Break:
    return lambda pack: pack.write(name, text)


def both(*breaks: Break) -> Break:
    return lambda pack: [one(pack) for one in breaks]


def example(text: str = "楼道灯不亮了", **labels: str) -> str:
    fields = {"text": text, "category": "housing.lift", "kind": "help", **labels}
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in fields.items()) + "}\n"


def department(code: str, name: str, function: str, level: str = "city", region: str = "990100") -> str:
    return (
        f"- code: {code}\n  name: {{zh: {name}}}\n  function: {function}\n  level: {level}\n"
        f'  region: "{region}"\n  desk: {{owner: {{zh: 岗}}}}\n'
    )
