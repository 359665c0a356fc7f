"""`yijian replay`: posts a file as a channel system would, then holds the account of it against itself."""

import asyncio
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared import clock
from shared.errors import Permanent
from shared.pack.load import load_pack
from shared.settings import HomeSettings, load
from tools import mapping
from tools.access import access, service_url
from tools.client import Client, Refused, Unanswered
from tools.posting import Item, Pace, Poster, ask_statuses, encode
from tools.rows import Source, open_source
from tools.tally import Tally

_POLL_SECONDS = 0.5
_STALL_SECONDS = 60.0


def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, XLSX or NDJSON.")],
    *,
    map_: Annotated[str, typer.Option("--map", help="field=column,… for columns without a usual name.")] = "",
    zone: Annotated[str | None, typer.Option(help="Of times without one: +08:00. Default: the pack's.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Messages a second. Default: as fast as they are taken.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every message has its disposition.")] = False,
    key: Annotated[str | None, typer.Option(help="Channel key. Default: YIJIAN_KEY, then the demo's.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of intake. Default: the one of this home.")] = None,
    channel: Annotated[str, typer.Option(help="For rows that name none.")] = "message-board",
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Messages a request.")] = 200,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 4,
) -> None:
    """Post a file's messages, then show their account; exit with 1 when it does not add up."""
    settings = load(HomeSettings)
    explicit = mapping.parse_map(map_)
    plan = mapping.Plan(explicit, mapping.parse_zone(zone) if zone else _pack_zone(settings), channel)
    client = Client(url or service_url(settings, "intake"), access(settings, "channel", key).secret)
    with open_source(file) as source, _progress() as progress:
        if source.columns:
            mapping.check_columns(source.columns, explicit)
        tally, trouble = asyncio.run(run(source, plan, client, Pace(batch, concurrency, rate), wait=wait, progress=progress))
    if trouble:
        typer.echo(f"stopped: {trouble}", err=True)
    _show(tally, waited=wait)


async def run(
    source: Source, plan: mapping.Plan, client: Client, pace: Pace, *, wait: bool, progress: Progress
) -> tuple[Tally, str | None]:
    """Post everything and follow it: the account, and why it ended early if it did."""
    tally = Tally()
    poster = Poster(client, pace, tally)
    task = progress.add_task("posting", total=source.total or None)

    def on_progress() -> None:
        progress.update(task, completed=source.done(), description=f"{tally.posted:,} posted")

    items = _items(source, plan, tally)
    async with client:
        await poster.post(items, on_progress)
        for _ in items:  # having stopped early, the rest of the file is counted too
            pass
        trouble = poster.trouble or await _follow(client, tally, progress, wait=wait)
    return tally, trouble


def _items(source: Source, plan: mapping.Plan, tally: Tally) -> Iterator[Item]:
    for row in source.rows:
        tally.read += 1
        if row.fault:
            tally.skip(row.number, row.fault)
            continue
        try:
            yield row.number, encode(plan.message(row))
        except ValueError as error:
            tally.skip(row.number, str(error))


async def _follow(client: Client, tally: Tally, progress: Progress, *, wait: bool) -> str | None:
    """Ask where the messages are, once or until all have a disposition; why it ended early if it did.

    Waiting ends when nothing has moved for a minute.
    """
    total = tally.not_yet
    task = progress.add_task("following", total=total)
    moved = clock.monotonic()
    while tally.not_yet:
        before, asked = tally.not_yet, clock.monotonic()
        try:
            await ask_statuses(client, tally)
        except (Unanswered, Refused) as trouble:
            return str(trouble)
        settled = total - tally.not_yet
        progress.update(task, completed=settled, description=f"{settled:,} of {total:,} have a disposition")
        if tally.not_yet < before:
            moved = clock.monotonic()
        if not wait:
            return None
        if clock.monotonic() - moved > _STALL_SECONDS:
            return f"nothing has moved for {_STALL_SECONDS:g} s"
        pause = max(_POLL_SECONDS, 4 * (clock.monotonic() - asked))  # asking must not be what it waits for
        await clock.sleep(pause if tally.not_yet else 0)
    return None


def _pack_zone(settings: HomeSettings) -> tzinfo | None:
    """The city's time zone; None where there is no good pack (replaying to another machine needs none)."""
    try:
        return mapping.parse_zone(load_pack(settings.pack).city.timezone)
    except Permanent:
        return None


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _show(tally: Tally, *, waited: bool) -> None:
    for name, number in tally.lines():
        typer.echo(f"{name:<14}{number:>12,}")
    for reason in tally.reasons:
        typer.echo(f"  {reason}")
    mistakes = tally.mistakes(waited=waited)
    for mistake in mistakes:
        typer.echo(f"does not add up: {mistake}", err=True)
    if mistakes:
        raise typer.Exit(1)
    typer.echo("It adds up.")
