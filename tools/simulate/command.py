"""`yijian simulate`: a folder of made-up traffic for a pack, with the truth beside it."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.errors import BadSettings
from shared.pack.load import load_pack, read_examples
from shared.settings import HomeSettings, load
from tools.simulate.reading import read_traffic
from tools.simulate.stream import Choice, Simulation
from tools.simulate.writing import MESSAGES, SUMMARY, Writer

PACKS = Path("packs")


def simulate(
    *,
    pack: Annotated[str | None, typer.Option(help="A pack's folder, or its name in packs/. Default: YIJIAN_PACK.")] = None,
    days: Annotated[int, typer.Option(help="How many days, at most ten years.")] = 365,
    per_day: Annotated[int, typer.Option(help="Messages a day, on average over a year.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="The first day.")] = "2026-01-01",
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: simulated/PACK-SEED in the data.")] = None,
) -> None:
    """Make a year of made-up traffic, with the truth about it beside it."""
    settings = load(HomeSettings)
    choice = Choice(_within("--days", days, 3660), _within("--per-day", per_day, 1_000_000), seed, _day(start))
    made = prepare(pack_folder(pack, settings.pack), choice)
    target = out or settings.data / "simulated" / f"{made.ground.pack.city.name}-{seed}"
    writer = Writer(made, _writable(target))
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("simulating", total=days)
        for written in writer.write():
            progress.update(task, advance=1, description=f"{written:,} messages")
    typer.echo(f"{writer.messages:,} messages are in {target / MESSAGES}; what is true of them is beside it, from {SUMMARY} on.")
    typer.echo(f"Post them: yijian replay {target / MESSAGES}")


def prepare(folder: Path, choice: Choice) -> Simulation:
    """The simulation of the pack in this folder. Raises `BadPack`, and `BadSettings` when nobody could say anything."""
    good = load_pack(folder)
    made = Simulation(good, read_examples(folder), read_traffic(folder, good), choice)
    if not made.needs.all:
        raise BadSettings(f"{folder} keeps no example back from training: there is nothing to say (it needs some dozens)")
    return made


def pack_folder(named: str | None, usual: Path) -> Path:
    """The folder that is meant. Raises `BadSettings`."""
    if named is None:
        return usual
    for folder in (Path(named), PACKS / named):
        if (folder / "pack.yaml").is_file():
            return folder
    raise BadSettings(f"--pack {named}: there is no pack in {named} nor in {PACKS / named}: name a folder with a pack.yaml")


def _within(option: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise BadSettings(f"{option} {number}: a whole number from 1 to {most:,}")
    return number


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSettings(f"--start {text!r}: write a day as 2026-01-01") from None


def _writable(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise BadSettings(f"--out {folder} is a file: name a folder")
    return folder
