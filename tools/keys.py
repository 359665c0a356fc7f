"""`yijian keys`: who may call the services. A key's secret is shown once and kept nowhere."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from shared import clock
from shared.errors import BadSettings
from shared.http.auth import ROLES, Key, KeyFile, Role
from shared.pack.load import load_pack
from shared.pack.mistakes import instead
from shared.pack.model import Pack
from shared.settings import HomeSettings, load
from tools.table import show_table

app = typer.Typer(
    help="API keys of channels, departments and operators, and the keys that seal personal data.", no_args_is_help=True
)
_DAYS = re.compile(r"(\d{1,5})d")


@app.command()
def add(
    *,
    role: Annotated[str, typer.Option(help="channel, department or operator.")],
    channel: Annotated[list[str] | None, typer.Option(help="A channel the key may post to; repeat it, or say all.")] = None,
    department: Annotated[list[str] | None, typer.Option(help="A department whose cases the key sees; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="How the key is listed. Default: from its role and scope.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Its messages end at the test desk and in no figure.")] = False,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Messages a second it may send; 0: no limit. Default: the settings'.")
    ] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Messages it may send at once. Default: those of a second.")] = None,
    expires: Annotated[str | None, typer.Option(help="90d or 2027-01-31 (its first moment). Default: never.")] = None,
) -> None:
    """Make a key and print its secret, which is shown only this once."""
    settings = load(HomeSettings)
    pack = load_pack(settings.pack)
    known = _role(role)
    scope = scope_of(known, channel or [], department or [], pack)
    _check_limit(known, rate, burst)
    keys = KeyFile(settings.keys_file)
    chosen = name or free_name(known, scope, {key.name for key in keys.read()})
    until = expiry(expires, clock.now(), pack.city.timezone) if expires else None
    secret = keys.add(chosen, known, scope=scope, test=test, expires=until, rate=rate, burst=burst)
    typer.echo(secret)
    typer.echo(f"{chosen}: {_scope_words(known, scope)}{_notes(test, until)}. Keep it safe: it is not shown again.", err=True)


@app.command("list")
def list_() -> None:
    """List the keys, without their secrets."""
    keys = KeyFile(load(HomeSettings).keys_file).read()
    if not keys:
        typer.echo("There are no keys yet: yijian keys add --role channel --channel hotline")
        return
    show_table(("name", "role", "scope", "test", "limit", "expires", "created"), [_line(key) for key in keys])


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="As `yijian keys list` shows it.")]) -> None:
    """Remove a key; the services follow within a second."""
    keys = KeyFile(load(HomeSettings).keys_file)
    if not keys.revoke(name):
        right = instead(name, (key.name for key in keys.read()), "see `yijian keys list`")
        raise BadSettings(f"there is no key named {name!r}; {right}")
    typer.echo(f"{name} is revoked.")


@app.command("rotate-sealing")
def rotate_sealing() -> None:
    """Seal personal data with a new key from now on; what is sealed stays readable."""
    from services.intake.sealing import rotate_secrets

    path = load(HomeSettings).secrets_file
    rotate_secrets(path)
    typer.echo(f"New messages are sealed with the new key within a second. Back up {path}: without it nothing opens.")


def scope_of(role: Role, channels: list[str], departments: list[str], pack: Pack) -> tuple[str, ...]:
    """The scope a key is to have; empty for every channel. Raises `BadSettings` for what the pack or the role does not know."""
    if (channels and role != "channel") or (departments and role != "department"):
        raise BadSettings("--channel goes with --role channel, --department with --role department")
    if role == "channel":
        return () if channels == ["all"] else _checked("channel", channels, [c.code for c in pack.channels if not c.retired])
    if role == "department":
        return _checked("department", departments, [d.code for d in pack.departments if not d.retired])
    return ()


def _checked(what: str, codes: list[str], known: list[str]) -> tuple[str, ...]:
    if not codes:
        raise BadSettings(f"a {what} key needs --{what}; {instead('', known, f'a code of a {what} in the pack')}")
    for code in codes:
        if code not in known:
            raise BadSettings(f"there is no {what} {code!r}; {instead(code, known, f'see the {what}s of the pack')}")
    return tuple(dict.fromkeys(codes))


def free_name(role: Role, scope: tuple[str, ...], taken: set[str]) -> str:
    """`channel-hotline`, or `channel-hotline-2` when that is taken."""
    base = "-".join((role, *scope[:1])) if scope or role == "operator" else f"{role}-all"
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def expiry(text: str, now: datetime, zone: str) -> str:
    """`90d` from now, or a date's first moment in the city's zone, as RFC 3339. Raises `BadSettings`."""
    days = _DAYS.fullmatch(text)
    try:
        moment = now + timedelta(days=int(days[1])) if days else _midnight(date.fromisoformat(text), zone)
        told = clock.timestamp(moment)
    except (ValueError, OverflowError):
        raise BadSettings(f"--expires {text!r}: write a number of days such as 90d, or a date such as 2027-01-31") from None
    if moment <= now:
        raise BadSettings(f"--expires {text}: that is over already")
    return told


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise BadSettings(f"--role {text!r}: {instead(text, ROLES)}")


def _line(key: Key) -> tuple[str, ...]:
    expires = f"{key.expires} (over)" if key.expires and key.expired() else key.expires or "never"
    return key.name, key.role, ", ".join(key.scope) or "all", "test" if key.test else "", _limit(key), expires, key.created


def _limit(key: Key) -> str:
    if key.rate is None:
        return "as set" if key.role == "channel" else ""
    return f"{key.rate:g}/s" + (f", {key.burst:,} at once" if key.burst else "") if key.rate else "none"


def _check_limit(role: Role, rate: float | None, burst: int | None) -> None:
    if role != "channel" and (rate is not None or burst is not None):
        raise BadSettings("--rate and --burst go with --role channel: only channels send messages")
    if burst is not None and not rate:
        raise BadSettings("--burst needs a --rate: how many messages a second, and how many at once")


def _scope_words(role: Role, scope: tuple[str, ...]) -> str:
    return f"{role} key for {', '.join(scope)}" if scope else f"{role} key" + (" for every channel" if role == "channel" else "")


def _notes(test: bool, until: str | None) -> str:
    return (", test" if test else "") + (f", until {until}" if until else "")
