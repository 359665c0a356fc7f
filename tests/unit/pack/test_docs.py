"""docs/packs.md describes every file and every field there is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.pack.draft import LAYOUT
from shared.pack.model import Conditions, Example, Text

PAGE = (Path(__file__).parents[3] / "docs" / "packs.md").read_text(encoding="utf-8")
FILES = {home.pattern: home.annotation for home in LAYOUT.values()} | {"examples/*.jsonl": Example}


def fields(annotation: Any, seen: set[Any]) -> Iterator[str]:
    """The names of all fields below it, as they stand in a file."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            for name, field in annotation.model_fields.items():
                yield field.alias or name
                yield from fields(field.annotation, seen)
    else:
        for inner in get_args(annotation):
            yield from fields(inner, seen)


@pytest.mark.parametrize("file", FILES)
def test_every_field_of_a_file_is_described(file: str) -> None:
    heading = f"\n### {file}\n"
    assert heading in PAGE, f"docs/packs.md has no section about {file}"
    section = re.split(r"\n##+ ", PAGE.split(heading)[1])[0]
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]*)`", section))))
    elsewhere = {Text, Conditions} if file == "clocks.yaml" else {Text}
    missing = set(fields(FILES[file], elsewhere)) - named
    assert not missing, f"{file}: {sorted(missing)}"
