"""`yijian account`: what came in and where it is now, from every service, held against each other."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, get_args

import orjson
import typer

from deploy.local import ports
from shared import clock
from shared.errors import BadSettings
from shared.events.words import Disposition
from shared.settings import HomeSettings, load
from tools.access import access, service_url
from tools.client import Client, Refused, Unanswered
from tools.repair import repair
from tools.table import show_table

Answer: TypeAlias = dict[str, Any]
"""What one service answers at `/v1/account`; what is not in it is not shown."""
_DISPOSITIONS = get_args(Disposition)
_FIGURES = {
    "stored": "stored",
    "published": "published",
    "not published yet": "unpublished",
    "classified": "classified",
    "abstained": "abstained",
    "delivered": "delivered",
    "in flight": "in_flight",
    "missing": "missing",
    "dead letters": "dead",
    "parked": "parked",
    "not read yet": "lag",
}
_OLDEST = {"in_flight": "in flight", "unpublished": "not published", "in_triage": "in triage", "routed": "with a department"}
_OLDEST |= {"dead": "dead letter", "parked": "parked"}
_STANDINGS = ("statuses", "dispositions", "cases")
_TRIES = 6
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Books:
    """Every service's account. intake was asked before and after the others, since messages arrive in between."""

    before: Answer
    others: dict[str, Answer]
    after: Answer
    silent: dict[str, str] = field(default_factory=dict)
    """Services that gave no account, and why."""

    @property
    def by_service(self) -> dict[str, Answer]:
        """The last answer of each."""
        return {"intake": self.after, **self.others}


def account(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    mend: Annotated[bool, typer.Option("--repair", help="Publish again what has no case, and wait for it.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="How many seconds --repair waits.")] = 60.0,
    key: Annotated[str | None, typer.Option(help="Operator key. Default: YIJIAN_KEY, then the demo's.")] = None,
) -> None:
    """Show what came in and where it is; exit with 1 when it does not add up."""
    settings = load(HomeSettings)
    if mend:
        _mend(settings, access(settings, "operator", key).secret, wait)
    books, mistakes = asyncio.run(_audit(settings, _operator_key(settings, key)))
    if as_json:
        typer.echo(orjson.dumps({"services": books.by_service, "mistakes": mistakes}, option=orjson.OPT_INDENT_2).decode())
    else:
        show_table(("", *books.by_service), _lines(books.by_service), right=tuple(books.by_service))
        for mistake in mistakes:
            typer.echo(f"does not add up: {mistake}", err=True)
    if mistakes:
        raise typer.Exit(1)
    if not as_json:
        typer.echo("It adds up.")


def _mend(settings: HomeSettings, secret: str, wait: float) -> None:
    done = asyncio.run(repair(settings, secret, wait=wait))
    typer.echo(done.words(), err=True)
    if done.left:
        raise typer.Exit(1)


def _operator_key(settings: HomeSettings, given: str | None) -> str | None:
    """The account holds numbers only and may be open; then no key is needed."""
    try:
        return access(settings, "operator", given).secret
    except BadSettings:
        return None


async def _audit(settings: HomeSettings, secret: str | None) -> tuple[Books, list[str]]:
    """Ask until it adds up, or a few times: each service counts every two seconds, so one answer may be older than the other."""
    for attempt in range(_TRIES):
        books = await _ask_all(settings, secret)
        mistakes = mistakes_in(books)
        if not mistakes or books.silent or attempt == _TRIES - 1:
            break
        await clock.sleep(_PAUSE_SECONDS)
    return books, mistakes


async def _ask_all(settings: HomeSettings, secret: str | None) -> Books:
    silent: dict[str, str] = {}

    async def ask(service: str) -> Answer:
        try:
            async with Client(service_url(settings, service), secret, patience=_PATIENCE_SECONDS) as client:
                answer = await client.get("/v1/account")
        except (Unanswered, Refused) as error:
            silent[service] = str(error)
            return {}
        return answer if isinstance(answer, dict) else {}

    before = await ask("intake")
    names = [name for name in ports.OFFSETS if name != "intake"]
    others = dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))
    return Books(before, others, await ask("intake"), silent)


def mistakes_in(books: Books) -> list[str]:
    """Why the accounts do not add up; empty when they do. Pure."""
    if books.silent:
        return [f"{service} gave no account: {why}" for service, why in books.silent.items()]
    found = []
    accepted, stand = accepted_in(books.after), standing_in(books.after).total()
    if accepted != stand:
        found.append(f"intake accepted {accepted:,}, but {stand:,} stand somewhere")
    found += _stored_mistakes(books)
    if missing := _count(books.after, "missing"):
        found.append(f"{missing:,} were accepted and no case of them was ever heard of")
    return found + _cases_mistakes(books)


def _stored_mistakes(books: Books) -> list[str]:
    """`accepted` is the sum of where messages stand, so it is held against the documents, which are counted by themselves.
    Messages arrive in between: what was there before must stand after, and what stood before must be there after."""
    if "stored" not in books.before or "stored" not in books.after:
        return []
    held, stand = _count(books.before, "stored"), standing_in(books.after).total()
    if held > stand:
        return [f"intake holds {held:,} messages, but {stand:,} stand somewhere"]
    stood, holds = standing_in(books.before).total(), _count(books.after, "stored")
    return [f"{stood:,} messages stood somewhere, but intake holds {holds:,}"] if stood > holds else []


def _cases_mistakes(books: Books) -> list[str]:
    """Every case has its message, and every message has its case unless it is on its way or a dead letter."""
    cases = standing_in(books.others.get("router", {})).total()
    if cases > accepted_in(books.after):
        return [f"the router has {cases:,} cases of {accepted_in(books.after):,} messages"]
    before = standing_in(books.before)
    due = accepted_in(books.before) - before["received"] - before["dead"]
    return [f"the router has {cases:,} cases, but {due:,} messages were settled"] if cases < due else []


def accepted_in(answer: Answer) -> int:
    """Messages accepted, of real and of test keys."""
    return _total(answer.get("accepted", 0))


def standing_in(answer: Answer) -> Counter[str]:
    """How many stand where, of real and of test keys: messages at intake, cases at the router."""
    found: Counter[str] = Counter()
    for name, value in next((answer[name] for name in _STANDINGS if name in answer), {}).items():
        found.update(value if isinstance(value, Mapping) else {name: value})
    return found


def _total(value: Any) -> int:
    return sum(map(_total, value.values())) if isinstance(value, Mapping) else int(value or 0)


def _count(answer: Answer, name: str) -> int:
    value = answer.get(name, 0)
    return value if isinstance(value, int) else 0


def _lines(services: dict[str, Answer]) -> list[tuple[str, ...]]:
    """One line a figure, one column a service; figures that nobody gives are left out."""
    standing = [standing_in(answer) for answer in services.values()]
    table: dict[str, list[Any]] = {"accepted": [accepted_in(one) if "accepted" in one else None for one in services.values()]}
    for code in _DISPOSITIONS:
        table[code.replace("_", " ")] = [figures.get(code) for figures in standing]
    for title, name in _FIGURES.items():
        table[title] = [answer.get(name) for answer in services.values()]
    for name, title in _OLDEST.items():
        table[f"oldest {title}"] = [answer.get("oldest", {}).get(name) for answer in services.values()]
    return [(title, *map(_cell, cells)) for title, cells in table.items() if any(cell is not None for cell in cells)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{_total(value):,}" if isinstance(value, int | Mapping) else str(value)
