"""A pack to begin with: the files in `starter`, with a name of their own."""

import shutil
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from shared.errors import BadSettings
from shared.pack.parts import Code

STARTER = Path(__file__).parent / "starter"
_NAMED = ("pack.yaml", "name: NAME")


def write_starter(folder: Path, name: str) -> None:
    """Copy it there. Raises `BadSettings` when something is there already, or the name is none."""
    try:
        TypeAdapter(Code).validate_python(name)
    except ValidationError:
        raise BadSettings(f"{name!r} is no name of a pack: lower-case letters, digits and dashes (--name)") from None
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadSettings(f"{folder} is there already: a new pack needs a folder that is empty or does not exist")
    shutil.copytree(STARTER, folder, dirs_exist_ok=True)
    file, line = _NAMED
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(line, f"name: {name}"), encoding="utf-8")
