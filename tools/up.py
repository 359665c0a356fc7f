"""`yijian up`: the whole system on this machine, until Ctrl-C."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from deploy.local import owner, ports
from deploy.local.supervisor import NotReady, Supervisor, service_programs
from shared.pack.load import load_pack, read_examples
from shared.pack.model import Pack
from shared.settings import HomeSettings, load
from tools import demo as demos
from tools import stamp
from tools.access import demo_keys_file, model_folder, service_url
from tools.client import Client

_GRACE_SECONDS = 5.0
"""What a service has beyond its own drain before it is killed."""


def up(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="With demo keys and made-up traffic.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, help="Made-up messages a second.")] = 0.5,
) -> None:
    """Start every service, watch them, and stop them cleanly on Ctrl-C."""
    settings = load(HomeSettings)
    pack = load_pack(settings.pack)
    model = model_folder(settings)
    supervisor = Supervisor(
        service_programs(settings, YIJIAN_MODEL=str(model)),
        folder=settings.data,
        host=settings.host,
        stop_seconds=settings.drain_seconds + _GRACE_SECONDS,
        say=typer.echo,
    )
    asyncio.run(_run(supervisor, Home(settings, pack, model), rate if demo else None))


class Home:
    """What is to run: its settings, its city and where the classifier's model is."""

    def __init__(self, settings: HomeSettings, pack: Pack, model: Path) -> None:
        self.settings, self.pack, self.model = settings, pack, model
        self.intake_url = service_url(settings, "intake")


async def _run(supervisor: Supervisor, home: Home, rate: float | None) -> None:
    stop = _stop_on_signals(supervisor)
    supervisor.claim()
    try:
        owner.claim(home.settings.data, home.pack.city.name)
        work = asyncio.create_task(_work(supervisor, home, rate))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    finally:
        await supervisor.stop()


async def _work(supervisor: Supervisor, home: Home, rate: float | None) -> None:
    """Prepare, start, tell, and go on until cancelled."""
    secrets = demos.ensure_keys(home.settings, demos.demo_keys(home.pack)) if rate else {}
    await prepare_model(home)
    supervisor.start()
    await supervisor.ready()
    if rate:
        await _demonstrate(home, secrets, rate)
    else:
        _tell_addresses(home)
    await asyncio.Event().wait()


async def _demonstrate(home: Home, secrets: dict[str, str], rate: float) -> None:
    examples = demos.unseen(read_examples(home.settings.pack))
    traffic = demos.Traffic(home.settings, home.pack, examples)
    async with Client(home.intake_url, secrets[demos.TRAFFIC]) as client:
        first = await traffic.post(client)
        async with Client(service_url(home.settings, "classifier"), secrets["channel"]) as classifier:
            command = demos.curl(home.intake_url, secrets["channel"], await demos.sample(home.pack, examples, classifier))
        _tell_addresses(home)
        _tell_demo(home, secrets, command, first["links"]["track"])
        await traffic.run(client, rate, typer.echo)


def _tell_addresses(home: Home) -> None:
    title = home.pack.city.title
    city = " ".join(dict.fromkeys(name for name in (title.zh, title.en) if name))
    typer.echo(f"\nYijian is ready for {city}. Ctrl-C stops everything.\n")
    for name in ports.OFFSETS:
        typer.echo(f"  {name:<12}{service_url(home.settings, name)}/openapi.json")
    typer.echo(f"  {'logs':<12}{home.settings.data / 'log'}/\n")


def _tell_demo(home: Home, secrets: dict[str, str], command: str, track: str) -> None:
    desk = demos.demo_department(home.pack)
    roles = {"channel": "every channel", "department": f"{desk.code}, {desk.name}", "operator": "everything"}
    typer.echo(f"Keys of this demo ({demo_keys_file(home.settings)}):\n")
    for name, scope in roles.items():
        typer.echo(f"  {name:<12}{secrets[name]}  ({scope})")
    typer.echo(f"\nTry this in another terminal, then open the address that it answers as links.track:\n\n{command}\n")
    typer.echo(f"Made-up messages are arriving; the latest is at {track}\n")


async def prepare_model(home: Home) -> None:
    """Train, unless the model is of this pack as it is now. In a process of its own: what training holds in memory goes
    with it. Raises `NotReady`."""
    pack = home.settings.pack
    if stamp.is_current(home.model, pack):
        return
    why = "the pack or the program has changed since the last time" if stamp.has_model(home.model) else "once"
    typer.echo(f"training the classifier from {pack} into {home.model} ({why})")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tools.cli", "train", "--pack", str(pack), "--out", str(home.model),
        stdin=asyncio.subprocess.DEVNULL, start_new_session=True,  # Ctrl-C is for us: it ends the training through us
    )  # fmt: skip
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    if code:
        raise NotReady(f"the classifier could not be trained (exit code {code})")


def _stop_on_signals(supervisor: Supervisor) -> asyncio.Event:
    """Set by the first signal; a second one is from somebody who cannot wait."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            supervisor.kill()
        else:
            typer.echo("stopping (Ctrl-C again: at once)")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stop
