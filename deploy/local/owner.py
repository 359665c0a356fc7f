"""A data folder belongs to one city: what is written there carries that city's codes, which mean nothing in another one."""

from pathlib import Path

from shared.errors import BadSettings

_MARK = "city"


def claim(folder: Path, city: str) -> None:
    """Mark the folder as this city's. Raises `BadSettings` when it is another one's, saying what to do."""
    mark = folder / _MARK
    owner = mark.read_text(encoding="utf-8").strip() if mark.exists() else ""
    if not owner:
        mark.write_text(f"{city}\n", encoding="utf-8")
    elif owner != city:
        raise BadSettings(
            f"{folder} holds the messages of {owner}, and a data folder belongs to one city: "
            f"for {city} choose another one, such as YIJIAN_DATA={folder}-{city}"
        )
