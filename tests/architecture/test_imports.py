"""Who may import whom: the contracts of `.importlinter`, and that they really bite."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages below this folder, without a cache, so that it says what is true now."""
    program = "import sys; from importlinter.cli import lint_imports_command; sys.path.insert(0, '.'); lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo", "--config", str(ROOT / ".importlinter")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_imports_keep_to_the_contracts():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


FORBIDDEN = {
    "the chassis imports a service": ("shared/a.py", "import services.intake.model"),
    "the chassis imports a tool": ("shared/a.py", "import tools.a"),
    "a service imports another": ("services/intake/service.py", "import services.router.model"),
    "a service imports a tool": ("services/intake/app.py", "import tools.a"),
    "a store imports its service": ("services/router/store.py", "import services.router.service"),
    "rules import the store through a helper": ("services/router/rules.py", "import services.router.helper"),
    "routes import the worker": ("services/intake/api.py", "import services.intake.worker"),
    "a second door to Kafka": ("shared/log/loop.py", "import aiokafka"),
    "a second door to MongoDB": ("services/intake/store.py", "from pymongo import AsyncMongoClient"),
    "a second door to SQLite": ("shared/log/loop.py", "import apsw"),
}


def test_a_house_that_keeps_to_them_passes(tmp_path: Path):
    house(tmp_path)
    result = lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("path", "line"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_contracts_bite(tmp_path: Path, path: str, line: str):
    house(tmp_path)
    (tmp_path / path).write_text(f"{line}\n", encoding="utf-8")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def house(folder: Path) -> None:
    """A small house of the same shape, in which nothing is wrong."""
    layers = ("app", "api", "worker", "service", "store", "rules", "model", "helper")
    modules = [f"services/{name}/{layer}" for name in ("intake", "router") for layer in layers]
    for module in (*modules, "tools/a", "deploy/a", "shared/a", "shared/log/loop", "shared/store/port"):
        path = folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for package in {parent for path in folder.rglob("*.py") for parent in path.parents if folder in parent.parents}:
        (package / "__init__.py").touch()
    (folder / "services/router/helper.py").write_text("import services.router.store\n", encoding="utf-8")
