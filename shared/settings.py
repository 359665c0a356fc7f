"""Settings of the chassis, from the environment: one frozen fragment, every field described."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import failpoints
from shared.errors import BadSettings

S = TypeVar("S", bound=BaseSettings)
_DATA, _PACK = Path("var"), Path("packs/qingting")


def _data_of(given: dict[str, Any]) -> Path:
    """A city's data lie apart from another's: beside one another below `var`."""
    name = given.get("pack", _PACK).absolute().name
    return _DATA if name == _PACK.name else _DATA / name


class HomeSettings(BaseSettings):
    """Which home the code lives in and where its files are. Every service's settings inherit this."""

    model_config = SettingsConfigDict(env_prefix="YIJIAN_", frozen=True, extra="ignore")

    pack: Path = Field(default=_PACK, description="Folder of the city's own data.")
    data: Path = Field(
        default_factory=_data_of,
        description="Folder of everything that is written in the one-machine home; default: var, or var/NAME for another pack.",
    )
    log: str = Field(default="", description="sqlite:///path/log.db or kafka://host:port,host:port; default: in `data`.")
    store: str = Field(default="", description="sqlite:///folder/ or mongodb://…; default: in `data`.")
    keys: Path | None = Field(default=None, description="File of API keys; default: keys.json in `data`.")
    secrets: Path | None = Field(default=None, description="File of sealing keys; default: secrets.json in `data`.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65000, description="First port: console; 8001 intake, 8002 classifier, 8003 router.")
    log_level: str = Field(default="info", description="debug, info, warning or error.")
    drain_seconds: float = Field(default=10.0, gt=0, le=300, description="How long a stop may take to finish what is in flight.")
    connections: int = Field(default=900, ge=10, description="Connections open at once; each takes an open file.")
    head_bytes: int = Field(default=32 * 1024, ge=1024, description="Bytes of a request's address and headers.")
    head_count: int = Field(default=100, ge=10, description="Headers of a request.")
    head_seconds: float = Field(default=10.0, gt=0, description="How long a request's head may take to arrive.")
    body_seconds: float = Field(default=60.0, gt=0, description="How long a body may take to arrive, and an answer to be read.")
    keep_alive_seconds: float = Field(default=30.0, gt=0, description="How long a connection may rest between two requests.")

    @property
    def log_url(self) -> str:
        """The log's URL."""
        return self.log or f"sqlite:///{self.data}/log.db"

    @property
    def store_url(self) -> str:
        """The store's URL."""
        return self.store or f"sqlite:///{self.data}/"

    @property
    def keys_file(self) -> Path:
        """The API keys' file."""
        return self.keys or self.data / "keys.json"

    @property
    def secrets_file(self) -> Path:
        """The sealing keys' file."""
        return self.secrets or self.data / "secrets.json"


def load(kind: type[S]) -> S:
    """Settings of this kind. Raises `BadSettings` naming each variable, what was found and what would be right."""
    failpoints.arm()
    try:
        return kind()
    except ValidationError as error:
        lines = [
            f"YIJIAN_{'_'.join(str(p) for p in item['loc']).upper()}={item['input']!r}: {item['msg']}" for item in error.errors()
        ]
        raise BadSettings("; ".join(lines)) from None
