"""`yijian topics`: the log's topics, made from the catalogue and the pack."""

import asyncio

import typer

from shared.events import catalog
from shared.log import TopicSpec, open_log
from shared.pack.load import load_pack
from shared.settings import HomeSettings, load

app = typer.Typer(help="The log's topics, as the catalogue and the pack want them.", no_args_is_help=True)


@app.callback()
def topics() -> None:
    """The log's topics, as the catalogue and the pack want them."""  # keeps `apply` a command of its own


@app.command()
def apply() -> None:
    """Create the topics that are missing; one that exists is never changed."""
    settings = load(HomeSettings)
    wanted = catalog.topics(department.code for department in load_pack(settings.pack).departments)
    created = asyncio.run(_apply(settings.log_url, wanted))
    for name in created:
        typer.echo(name)
    typer.echo(f"{len(created)} created, {len(wanted) - len(created)} were there.")


async def _apply(url: str, wanted: list[TopicSpec]) -> list[str]:
    log = open_log(url)
    try:
        return await log.apply_topics(wanted)
    finally:
        await log.close()
