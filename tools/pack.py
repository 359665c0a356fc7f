"""`yijian pack`: what a city's authors begin with, look at, and run before anybody else sees their pack."""

from pathlib import Path
from typing import Annotated

import typer

from shared.pack.load import Report, check_pack
from shared.pack.model import Pack
from tools.pack_new import write_starter
from tools.pack_show import show_page

app = typer.Typer(help="A city's own data: its channels, departments, categories, routes and examples.", no_args_is_help=True)


@app.command()
def check(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the pack, such as packs/qingting.")]) -> None:
    """Find every mistake in a pack, with its file and line; exit with 1 when there is one."""
    report = check_pack(folder)
    for mistake in report.mistakes:
        typer.echo(mistake)
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(summary(report))
    if report.mistakes:
        raise typer.Exit(1)


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the pack.")],
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Down to communities, units and leaves.")] = False,
) -> None:
    """Print a page about a pack: what it holds, as trees with counts. Exit with 1 when it has mistakes."""
    report = check_pack(folder)
    if report.pack is None:
        typer.echo(f"{summary(report)}: yijian pack check {folder} names them")
        raise typer.Exit(1)
    show_page(report.pack, report.examples, deep=deep)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not exist, or be empty.")],
    *,
    name: Annotated[str | None, typer.Option(help="What the pack is called. Default: the folder's name.")] = None,
) -> None:
    """Begin a pack: a small commented city that checks without a mistake, to change into yours."""
    called = name or folder.resolve().name
    write_starter(folder, called)
    typer.echo(f"{called} is in {folder}. Its files say what they are for; docs/packs.md describes every field.")
    typer.echo(f"Change them, and after every change: yijian pack check {folder}")


def summary(report: Report) -> str:
    """One line: what the pack holds, or how much is wrong with it."""
    warnings = _count(len(report.warnings), "warning")
    if report.pack is None:
        return f"{_count(len(report.mistakes), 'mistake')}, {warnings}"
    examples = _count(len(report.examples), "example")
    return f"{report.pack.city.name} {report.pack.city.version} is good: {_holdings(report.pack)}, {examples}, {warnings}"


def _holdings(good: Pack) -> str:
    parts = {
        "region": good.regions,
        "department": good.departments,
        "channel": good.channels,
        "route": good.routes,
        "clock": good.clocks,
    }
    leaves = sum(1 for category in good.category_by_code.values() if not category.children)
    counts = ", ".join(_count(len(things), name) for name, things in parts.items())
    return f"{counts}, {len(good.category_by_code)} categories ({leaves} leaves)"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
