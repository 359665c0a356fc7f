"""The demo of `make run`: keys that stay the same, gentle made-up traffic, and something to paste."""

import json
import os
import random
import secrets
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import clock
from shared.http.auth import Key, KeyFile, Role, digest, new_secret
from shared.pack.model import Department, Example, Pack
from shared.pack.split import split
from shared.settings import HomeSettings
from tools.access import demo_keys_file, read_demo_keys
from tools.client import Client, Refused, Unanswered

TRAFFIC = "traffic"
_GOOD_LENGTH, _CANDIDATES = 40, 30
"""About how many characters a message to paste has, and how many are asked about."""


@dataclass(frozen=True, slots=True)
class DemoKey:
    """A key the demo needs; an empty scope of a channel key means every channel."""

    name: str
    role: Role
    scope: tuple[str, ...] = ()


def demo_keys(pack: Pack) -> list[DemoKey]:
    """One key for each kind of user, and one that marks the made-up traffic."""
    department = demo_department(pack).code
    return [
        DemoKey("channel", "channel"),
        DemoKey("department", "department", (department,)),
        DemoKey("operator", "operator"),
        DemoKey(TRAFFIC, "channel"),
    ]


def demo_department(pack: Pack) -> Department:
    """The first that is an ordinary desk."""
    special = {pack.city.catch_all, pack.city.test_desk}
    active = [department for department in pack.departments if not department.retired]
    return next((department for department in active if department.code not in special), active[0])


def ensure_keys(settings: HomeSettings, wanted: Sequence[DemoKey]) -> dict[str, str]:
    """The secrets by name: those of the last start, so that what somebody has copied goes on working."""
    known = read_demo_keys(settings)
    chosen = {key.name: known.get(key.name) or new_secret(key.role) for key in wanted}
    entries = [Key(f"demo-{key.name}", key.role, digest(chosen[key.name]), key.scope) for key in wanted]
    file = KeyFile(settings.keys_file)
    present = {(key.name, key.role, key.digest, key.scope): key for key in file.read()}
    if not all((key.name, key.role, key.digest, key.scope) in present for key in entries):
        names = {key.name for key in entries}
        file.write([*(key for key in present.values() if key.name not in names), *entries])
    if chosen != known:
        _write_privately(demo_keys_file(settings), chosen)
    return chosen


def _write_privately(path: Path, content: dict[str, Any]) -> None:
    """Write JSON in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    fresh.replace(path)


def unseen(examples: Sequence[Example]) -> list[Example]:
    """Those the classifier has not learned from; all of them where a small pack has none to keep back."""
    return split(examples)[1] or list(examples)


class Traffic:
    """Made-up messages from the pack's examples, in an order of this home's own; goes on where it was after a restart."""

    def __init__(self, settings: HomeSettings, pack: Pack, examples: Sequence[Example]) -> None:
        self._state = settings.data / "demo-traffic.json"
        self._channel = next(channel.code for channel in pack.channels if not channel.retired)
        self._seed, self._next = self._where_it_was()
        self._examples = list(examples)
        random.Random(self._seed).shuffle(self._examples)  # noqa: S311 - variety, no secret

    def message(self) -> dict[str, Any]:
        """The next one, the same until `sent`: a repeat after a crash is recognised by its id."""
        example = self._examples[self._next % len(self._examples)]
        return {
            "channel": example.channel or self._channel,
            "external_id": f"demo-{self._seed}-{self._next:06d}",
            "title": example.title,
            "text": example.text,
        }

    def sent(self) -> None:
        """The last one is stored: go on to the next."""
        self._next += 1
        _write_privately(self._state, {"seed": self._seed, "next": self._next})

    async def post(self, client: Client) -> dict[str, Any]:
        """Post the next one and go on; intake's answer."""
        answer: dict[str, Any] = await client.post("/v1/messages", self.message())
        self.sent()
        return answer

    async def run(self, client: Client, rate: float, say: Callable[[str], None]) -> None:
        """Post `rate` messages a second until cancelled. What is refused is passed over, what is unanswered is repeated."""
        while True:
            try:
                await self.post(client)
            except Unanswered as error:
                say(f"made-up traffic waits: {error}")
            except Refused as error:
                say(f"made-up traffic: {error}")
                self.sent()
            await clock.sleep(1 / rate)

    def _where_it_was(self) -> tuple[str, int]:
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            return str(state["seed"]), int(state["next"])
        except (OSError, ValueError, KeyError, TypeError):
            return secrets.token_hex(3), 0


async def sample(pack: Pack, examples: Sequence[Example], classifier: Client) -> dict[str, str]:
    """A message to try things with: a short one of the demo's department that the classifier is sure of."""
    desk = demo_department(pack)

    def fitting(example: Example) -> tuple[bool, bool, int]:
        category = pack.category_by_code[example.category]
        return category.function != desk.function, category.level != desk.level, abs(len(example.text) - _GOOD_LENGTH)

    likely = sorted(examples, key=fitting)[:_CANDIDATES]
    example = likely[0]
    for candidate in likely:
        found = await classifier.post("/v1/classify", {"text": candidate.text})
        if found["category"] == candidate.category:
            example = candidate
            break
    channel = example.channel or next(channel.code for channel in pack.channels if not channel.retired)
    return {"channel": channel, "text": example.text}


def curl(url: str, secret: str, message: dict[str, str]) -> str:
    """A command that posts this message when it is pasted into a shell."""
    body = shlex.quote(json.dumps(message, ensure_ascii=False))
    return f"curl -sS {url}/v1/messages -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' -d {body}"
