"""What a request needs: made once in the lifespan, handed to the routes by type."""

from dataclasses import dataclass

from fastapi import Request

from services.intake.accounts import Accounts
from services.intake.admission import Gate
from services.intake.contacts import Contacts
from services.intake.republishing import Republisher
from services.intake.service import Intake
from services.intake.settings import IntakeSettings
from shared.http.auth import Keyring
from shared.pack.model import Pack
from shared.store.port import Store


@dataclass(frozen=True, slots=True)
class State:
    """Everything the routes use."""

    settings: IntakeSettings
    pack: Pack
    keyring: Keyring
    store: Store
    gate: Gate
    intake: Intake
    contacts: Contacts
    accounts: Accounts
    republisher: Republisher
    departments: dict[str, tuple[str, str]]
    """Every department's names (zh, en) by code."""

    def base_url(self, request: Request) -> str:
        """Where clients reach intake."""
        return self.settings.public_url.rstrip("/") or f"{request.scope['scheme']}://{request.headers.get('host', 'localhost')}"


def state_of(request: Request) -> State:
    """The state of the app that answers this request."""
    state: State = request.app.state.intake
    return state
