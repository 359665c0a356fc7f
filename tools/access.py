"""Where the services are and which key a command uses: what it was given, `YIJIAN_KEY`, or the demo's own."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from shared.errors import BadSettings
from shared.http.auth import Role
from shared.settings import HomeSettings


@dataclass(frozen=True, slots=True)
class Access:
    """A key, and whether it is the demo's."""

    secret: str
    demo: bool = False


def demo_keys_file(settings: HomeSettings) -> Path:
    """Where `yijian up --demo` keeps its secrets, readable by their owner only."""
    return settings.data / "demo-keys.json"


def read_demo_keys(settings: HomeSettings) -> dict[str, str]:
    """The demo's secrets by name; none when there was no demo here."""
    path = demo_keys_file(settings)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadSettings(f"{path} cannot be read ({error}): remove it, and `make run` makes new keys") from None
    return {str(name): str(secret) for name, secret in found.items()} if isinstance(found, dict) else {}


def access(settings: HomeSettings, role: Role, given: str | None) -> Access:
    """The key to use. Raises `BadSettings` when there is none, saying how to get one."""
    secret = given or os.environ.get("YIJIAN_KEY")
    if secret:
        return Access(secret)
    demo = read_demo_keys(settings).get(role)
    if demo:
        return Access(demo, demo=True)
    raise BadSettings(f"no {role} key: give one with --key or YIJIAN_KEY (make one with: yijian keys add --role {role})")


def service_url(settings: HomeSettings, service: str) -> str:
    """Where a service of this home is found from here."""
    return f"http://{ports.reachable(settings.host)}:{settings.port + ports.OFFSETS[service]}"


def model_folder(settings: HomeSettings) -> Path:
    """Where the classifier's artifact is (`YIJIAN_MODEL`)."""
    return Path(os.environ.get("YIJIAN_MODEL") or settings.data / "model")
