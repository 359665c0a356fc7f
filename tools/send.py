"""`yijian send`: one message from the shell."""

import asyncio
from typing import Annotated, Any

import typer

from shared import clock, ids
from shared.pack.load import load_pack
from shared.settings import HomeSettings, load
from tools.access import Access, access, service_url
from tools.client import Client
from tools.posting import statuses_of

_POLL_SECONDS = 0.2
_WAIT_SECONDS = 60.0


def send(
    text: Annotated[str, typer.Argument(help="What the citizen says.")],
    *,
    title: Annotated[str | None, typer.Option(help="A title.")] = None,
    channel: Annotated[str | None, typer.Option(help="Needed when the key allows several channels.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is routed or in triage.")] = False,
    key: Annotated[str | None, typer.Option(help="Channel key. Default: YIJIAN_KEY, then the demo's.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of intake. Default: the one of this home.")] = None,
) -> None:
    """Post one message; print its id, its tracking code and where to follow it."""
    settings = load(HomeSettings)
    found = access(settings, "channel", key)
    fields = {"text": text, "title": title, "channel": channel or _demo_channel(settings, found)}
    message = {name: value for name, value in fields.items() if value is not None}
    client = Client(url or service_url(settings, "intake"), found.secret, patience=15)
    if not asyncio.run(_send(client, message, wait=wait)):
        typer.echo(f"not routed after {_WAIT_SECONDS:g} s: it is kept, and goes on when the services do", err=True)
        raise typer.Exit(1)


async def _send(client: Client, message: dict[str, Any], *, wait: bool) -> bool:
    """Post it and show the answer; False when it was awaited in vain."""
    async with client:
        answer = await client.post("/v1/messages", message, Idempotency_Key=f'"{ids.new_id()}"')
        typer.echo(f"id             {answer['id']}")
        typer.echo(f"tracking code  {answer['tracking_code']}")
        typer.echo(f"follow it      {answer['links']['track']}")
        if not wait:
            return True
        standing = await _settled(client, answer["id"])
    if standing:
        typer.echo(f"status         {_words(standing)}")
    return standing is not None


async def _settled(client: Client, message_id: str) -> dict[str, Any] | None:
    deadline = clock.monotonic() + _WAIT_SECONDS
    while clock.monotonic() < deadline:
        standing = (await statuses_of(client, [message_id])).get(message_id, {})
        if standing.get("status", "received") != "received":
            return standing
        await clock.sleep(_POLL_SECONDS)
    return None


def _words(standing: dict[str, Any]) -> str:
    status = {"department": "with a department", "triage": "in triage"}.get(standing["status"], standing["status"])
    details = (standing.get("department"), standing.get("case_number"))
    return ", ".join((status, *(str(detail) for detail in details if detail)))


def _demo_channel(settings: HomeSettings, found: Access) -> str | None:
    """The demo's key allows every channel; so that nobody has to name one to try things, its messages come by the first."""
    return next(one.code for one in load_pack(settings.pack).channels if not one.retired) if found.demo else None
