"""Our own rules on how the code is written, as functions from a module's syntax tree to the places that break them."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeGuard

ROOT = Path(__file__).parents[2]
SOURCE = ("shared", "services", "tools", "deploy")
MAX_MODULE, MAX_FUNCTION, MAX_NESTING = 300, 40, 3

SLEEPS = {"asyncio.sleep", "time.sleep"}
CLOCKS = SLEEPS | {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}
CLOCKS |= {"time.time", "time.time_ns"}
UUIDS = {f"{module}.uuid{version}" for module in ("uuid", "uuid_utils") for version in (1, 3, 4, 5, 6, 7, 8)}

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.Match)


@cache
def _parsed(path: str, text: str) -> ast.Module:
    return ast.parse(text, path)


class Module(NamedTuple):
    """A module with its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path, self.text)


class Breach(NamedTuple):
    """A place that breaks a rule. `name` is the function, or empty for the module: what an exception is written for."""

    path: str
    line: int
    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Rule: TypeAlias = Callable[[Module], Iterator[Breach]]


def modules(*folders: str) -> list[Module]:
    """Every module below these folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def length(module: Module) -> Iterator[Breach]:
    """A module is shorter than 300 lines."""
    lines = module.text.count("\n")
    if lines >= MAX_MODULE:
        yield Breach(module.path, lines, "", f"the module has {lines} lines; keep it under {MAX_MODULE}")


def functions(module: Module) -> Iterator[Breach]:
    """A function has at most 40 lines."""
    for function in _functions(module.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MAX_FUNCTION:
            what = f"{function.name} has {lines} lines; at most {MAX_FUNCTION}"
            yield Breach(module.path, function.lineno, function.name, what)


def nesting(module: Module) -> Iterator[Breach]:
    """Blocks inside a function nest at most three deep."""
    for function in _functions(module.tree):
        depth = _depth(function.body)
        if depth > MAX_NESTING:
            what = f"{function.name} nests {depth} deep; at most {MAX_NESTING}"
            yield Breach(module.path, function.lineno, function.name, what)


def calls(forbidden: set[str], advice: str, *, giving_way: bool = False) -> Rule:
    """Nobody calls, passes on or aliases these functions, however they were imported. `giving_way` allows `sleep(0)`."""

    def rule(module: Module) -> Iterator[Breach]:
        tree = module.tree
        names = _imported(tree)
        allowed = {id(node.func) for node in ast.walk(tree) if giving_way and _is_of_zero(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name) and _dotted(node, names) in forbidden and id(node) not in allowed:
                yield Breach(module.path, node.lineno, "", f"{_dotted(node, names)}: {advice}")

    return rule


def _is_of_zero(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and [getattr(argument, "value", None) for argument in node.args] == [0]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS))


def _depth(statements: list[ast.stmt]) -> int:
    return max((_statement_depth(one) for one in statements), default=0)


def _statement_depth(statement: ast.stmt) -> int:
    if not isinstance(statement, _BLOCKS):  # also a function or class in a function: it is measured by itself
        return 0
    return 1 + max(_depth(body) for body in _bodies(statement))


def _bodies(block: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "finalbody"):
        yield getattr(block, name, [])
    yield from (part.body for part in (*getattr(block, "handlers", ()), *getattr(block, "cases", ())))
    rest = getattr(block, "orelse", [])
    if isinstance(block, ast.If) and len(rest) == 1 and isinstance(rest[0], ast.If):  # `elif` is no deeper than its `if`
        yield from _bodies(rest[0])
    else:
        yield rest


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `{"dt": "datetime", "sleep": "asyncio.sleep"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}  # without `as` it keeps its own name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    return f"{_dotted(node.value, names)}.{node.attr}" if isinstance(node, ast.Attribute) else ""
