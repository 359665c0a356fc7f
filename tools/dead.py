"""`yijian dead`: records that could not be handled, and what is to become of them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

import orjson
import typer

from deploy.local import ports
from shared.errors import BadSettings
from shared.settings import HomeSettings, load
from tools.access import access, service_url
from tools.client import Client
from tools.table import show_table

app = typer.Typer(help="Records that could not be handled: look at them, hand them back, discard them.", no_args_is_help=True)
Key: TypeAlias = Annotated[str | None, typer.Option(help="Operator key. Default: YIJIAN_KEY, then the demo's.")]
Letter: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The letter, as `yijian dead list` shows it.")]


@app.command("list")
def list_(
    *,
    service: Annotated[str | None, typer.Option(help="Only of intake, classifier or router.")] = None,
    status: Annotated[str, typer.Option(help="dead, replay, replayed or discarded.")] = "dead",
    reason: Annotated[str | None, typer.Option(help="Only of this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many of each service.")] = 50,
    key: Key = None,
) -> None:
    """List the letters of every service."""
    query = f"?status={quote(status)}&limit={limit}" + (f"&reason={quote(reason)}" if reason else "")
    names = [service] if service else list(ports.OFFSETS)
    found = [one for name in names for one in _ask(name, key, lambda client: client.get(f"/v1/deadletters{query}"))["letters"]]
    rows = [(one["id"], one["reason"], str(one["attempts"]), one["at"], one["type"] or "", one["detail"]) for one in found]
    show_table(("letter", "reason", "attempts", "at", "type", "detail"), rows, right=("attempts",))


@app.command()
def show(letter: Letter, *, key: Key = None) -> None:
    """Show one letter whole, as JSON."""
    told = _ask(_service(letter), key, lambda client: client.get(_path(letter)))
    typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())


@app.command()
def replay(
    letter: Annotated[str | None, typer.Argument(metavar="[ID]", help="One letter; or --reason for all of one.")] = None,
    *,
    reason: Annotated[str | None, typer.Option(help="Every dead letter of this reason, of every service.")] = None,
    data: Annotated[Path | None, typer.Option(help="A JSON file to hand over in place of the event's data.")] = None,
    key: Key = None,
) -> None:
    """Have a letter handled again, mended or as it came; what was parked behind it follows in order."""
    if (letter is None) == (reason is None):
        raise BadSettings("name one letter, or all of one reason with --reason")
    if letter is None:
        for name in ports.OFFSETS:
            told = _ask(name, key, lambda client: client.post("/v1/deadletters:replay", {"reason": reason}))
            typer.echo(f"{name}: {told['marked']} marked")
        return
    body = {"data": _json(data)} if data else {}
    told = _ask(_service(letter), key, lambda client: client.post(f"{_path(letter)}/replay", body))
    typer.echo(f"{told['id']}: {told['status']}")


@app.command()
def discard(
    letter: Letter, *, because: Annotated[str, typer.Option(help="Why; kept with the letter.")], key: Key = None
) -> None:  # fmt: skip
    """Close a letter for good; what was parked behind it flows."""
    told = _ask(_service(letter), key, lambda client: client.post(f"{_path(letter)}/discard", {"reason": because}))
    typer.echo(f"{told['id']}: {told['status']}")


def _ask(service: str, key: str | None, question: Callable[[Client], Awaitable[Any]]) -> dict[str, Any]:
    if service not in ports.OFFSETS:
        raise BadSettings(f"there is no service {service!r}: {', '.join(ports.OFFSETS)}")
    settings = load(HomeSettings)

    async def asked() -> dict[str, Any]:
        async with Client(service_url(settings, service), access(settings, "operator", key).secret, patience=10) as client:
            answer: dict[str, Any] = await question(client)
            return answer

    return asyncio.run(asked())


def _service(letter: str) -> str:
    """A letter's id begins with its consumer group, and that with its service: `router-feed/…`."""
    return letter.partition("/")[0].partition("-")[0]


def _path(letter: str) -> str:
    return f"/v1/deadletters/{quote(letter)}"


def _json(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadSettings(f"{file}: {error}; a file with one JSON object is needed") from None
