"""What a request needs: made once in the lifespan, handed to the routes by type."""

from dataclasses import dataclass

from fastapi import Request

from services.router.account import Account
from services.router.feed import Feed
from services.router.lists import Lists
from services.router.service import Desk
from shared.http.auth import Keyring


@dataclass(frozen=True, slots=True)
class State:
    """Everything the routes use."""

    keyring: Keyring
    desk: Desk
    lists: Lists
    feed: Feed
    account: Account
    departments: frozenset[str]
    """Every department's code, retired ones too."""


def state_of(request: Request) -> State:
    """The state of the app that answers this request."""
    state: State = request.app.state.router
    return state
