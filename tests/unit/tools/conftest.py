from pathlib import Path

import pytest

from shared.pack.model import Category, Channel, City, Clock, Department, Desk, Example, Pack, Text


def department(code: str, function: str) -> Department:
    return Department(
        code=code, name=Text(zh=code), function=function, level="city", region="990100", desk=Desk(owner=Text(zh="岗"))
    )


def category(code: str, function: str) -> Category:
    return Category(code=code, name=Text(zh=code), function=function, level="city")


@pytest.fixture
def pack() -> Pack:
    return Pack(
        city=City(
            name="town", title=Text(en="Town"), version="1", region="990100", catch_all="hotline-desk", test_desk="test-desk"
        ),
        regions=(),
        departments=(department("hotline-desk", "any"), department("test-desk", "any"), department("city-roads", "roads")),
        categories=(category("water", "water"), category("roads", "roads")),
        channels=(
            Channel(code="old", name=Text(), retired=True),
            Channel(code="hotline", name=Text()),
            Channel(code="app", name=Text()),
        ),
        routes=(),
        clocks=(Clock(code="standard", name=Text(), accept_hours=24, resolve_days=5),),
    )


@pytest.fixture
def examples() -> list[Example]:
    return [
        Example(text="停水了", category="water", kind="help"),
        Example(text="路灯坏了 it's dark", category="roads", kind="report", channel="app"),
    ]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and no setting of the developer's shell."""
    for name in ("KEY", "KEYS", "SECRETS", "STORE", "LOG", "PORT", "MODEL"):
        monkeypatch.delenv(f"YIJIAN_{name}", raising=False)
    monkeypatch.setenv("YIJIAN_DATA", str(tmp_path))
    return tmp_path
