"""The classifier as an app: the model, the loop that reads messages, and the route that answers questions."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from services.classifier import api, readiness
from services.classifier.artifact import load as load_model
from services.classifier.service import ClassifyBatch
from services.classifier.settings import ClassifierSettings
from shared import clock, startup
from shared.events import catalog
from shared.http import deadletters
from shared.http.account import fresh_enough
from shared.http.app import create_app as create
from shared.http.auth import Keyring
from shared.http.health import Check, Health
from shared.http.watching import watch
from shared.log import Log, open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.lag import ever_published, lag_of
from shared.log.letters import Letters
from shared.log.loop import Loop
from shared.log.oldest import oldest_letter, oldest_parked
from shared.pack.load import load_pack
from shared.runtime import Work, running
from shared.settings import load
from shared.store import open_store
from shared.store.port import Store

_GROUP = "classifier"


def create_app(settings: ClassifierSettings | None = None) -> FastAPI:
    """The app; without `settings` they are read from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(app, settings or load(ClassifierSettings)):
            yield

    return create("classifier", lifespan=lifespan, routers=[api.router, deadletters.router], description=__doc__ or "")


@asynccontextmanager
async def _opened(app: FastAPI, settings: ClassifierSettings) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        pack = load_pack(settings.pack)
        classifier = load_model(settings.model_folder, pack)
        letters_store = open_store(settings.store_url, "classifier")
        stack.push_async_callback(letters_store.close)
        log = open_log(settings.log_url)
        stack.push_async_callback(log.close)
        letters = DeadLetters(letters_store, log, service="classifier", group=_GROUP)
        loop = Loop(log, _GROUP, catalog.GROUPS[_GROUP], ClassifyBatch(classifier, log).handle, letters)
        app.state.keyring, app.state.letters = Keyring(settings.keys_file), Letters(letters_store)
        app.state.classifier = api.State(app.state.keyring, classifier)
        app.state.account = fresh_enough(lambda: _account(log, letters_store, letters, classifier.version))
        loops: dict[str, Work] = {
            "prepare": await startup.prepare(letters_store, (LETTERS, PARKED)),
            "topics": await startup.apply_topics(log, pack),
            "watch": watch(app),
            "classify": loop.run,
        }
        beats = await stack.enter_async_context(running(loops, drain_seconds=settings.drain_seconds))
        vital = {"model": readiness.model_decides(classifier), "loop": readiness.loop_not_stopped(loop)}
        others: dict[str, Check] = {"log": log.check, "classify": loop.check, "store": letters_store.check}
        others["model_file"] = readiness.model_is_there(settings.model_folder)
        others["keys"] = app.state.keyring.check
        app.state.health = Health(vital=vital, others=others, beats=beats)
        yield


async def _account(log: Log, store: Store, letters: DeadLetters, version: str) -> dict[str, Any]:
    """What is classified is counted where it lies: on the log. (How many it would not decide, the router counts.)"""
    counted = {
        "service": "classifier",
        "at": clock.timestamp(),
        "model_version": version,
        "classified": await ever_published(log, "router", (catalog.CLASSIFIED,)),
        "oldest": {"dead": await oldest_letter(store), "parked": await oldest_parked(store, (_GROUP,))},
    }
    return counted | await letters.count() | {"lag": await lag_of(log, _GROUP, catalog.GROUPS[_GROUP])}
