"""The router as an app: what is opened, in which order, and what runs beside the routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.router import api, api_departments, feed, store
from services.router.account import Account, feed_topics
from services.router.auditing import Witness
from services.router.lists import Lists
from services.router.redelivery import Redelivery
from services.router.rules import Rules
from services.router.service import Desk
from services.router.settings import RouterSettings
from services.router.state import State
from services.router.store import Numbers
from services.router.worker import Opener
from shared import startup
from shared.events.catalog import FEED_GROUP, GROUPS
from shared.http import deadletters
from shared.http.account import fresh_enough
from shared.http.app import create_app as create
from shared.http.auth import Keyring
from shared.http.health import Health
from shared.http.watching import watch
from shared.log import Log, open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters, file
from shared.log.letters import Letters
from shared.log.listening import Listener
from shared.log.loop import Loop
from shared.log.retention import keep_trimmed
from shared.pack.load import load_pack
from shared.runtime import Work, every, running
from shared.settings import load
from shared.store import open_store
from shared.store.outbox import EVENTS
from shared.store.port import Document, Store, StoredEvent
from shared.store.relay import Relay

_REDELIVERY_SECONDS = 5.0
_COLLECTIONS = (store.COLLECTION, store.COUNTERS, feed.COLLECTION, LETTERS, PARKED, EVENTS)


def create_app(settings: RouterSettings | None = None) -> FastAPI:
    """The app; without `settings` they are read from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(app, settings or load(RouterSettings)):
            yield

    routers = [api.router, api_departments.router, deadletters.router]
    return create("router", lifespan=lifespan, routers=routers, description=__doc__ or "")


@asynccontextmanager
async def _opened(app: FastAPI, settings: RouterSettings) -> AsyncIterator[None]:
    """Store before log before loops, and backwards when it ends: a loop never outlives what it writes to."""
    async with AsyncExitStack() as stack:
        pack = load_pack(settings.pack)
        documents = open_store(settings.store_url, "router")
        stack.push_async_callback(documents.close)
        log = open_log(settings.log_url)
        stack.push_async_callback(log.close)
        rules = Rules(pack)
        relay = _relay(documents, log)
        letters = {group: DeadLetters(documents, log, service="router", group=group) for group in ("router", FEED_GROUP)}
        opener = Opener(documents, log, relay, rules, Numbers(documents, pack.city))
        departments = feed.Feed(documents)
        consume = Loop(log, "router", GROUPS["router"], opener.handle, letters["router"])
        project = Loop(log, FEED_GROUP, feed_topics(pack), departments.handle, letters[FEED_GROUP], read=feed.as_it_is)
        redelivery = Redelivery(documents, log, after=settings.tell_again_after)
        account = Account(documents, log, relay, letters, pack)
        app.state.on_stop = [departments.release]
        app.state.account = fresh_enough(account.count)
        app.state.keyring, app.state.letters = Keyring(settings.keys_file), Letters(documents)
        app.state.router = State(
            keyring=app.state.keyring, desk=Desk(documents, relay, rules), lists=Lists(documents), feed=departments,
            account=account, departments=frozenset(pack.department_by_code),
        )  # fmt: skip
        loops: dict[str, Work] = {
            "prepare": await startup.prepare(documents, _COLLECTIONS),
            "topics": await startup.apply_topics(log, pack),
            "relay": relay.run,
            "router": consume.run,
            "feed": project.run,
            "audit": Listener(log, "router-audit", Witness(documents, log).hear).run,
            "watch": watch(app),
            "retention": keep_trimmed(log, pack),
            "redelivery": every(_REDELIVERY_SECONDS, redelivery.run_once),
        }
        beats = await stack.enter_async_context(running(loops, drain_seconds=settings.drain_seconds))
        others = {"log": log.check, "outbox": relay.check, "router": consume.check, "feed": project.check}
        others["keys"] = app.state.keyring.check
        app.state.health = Health(vital={"store": documents.check}, others=others, beats=beats)
        yield


def _relay(documents: Store, log: Log) -> Relay:
    async def refused(document: Document, event: StoredEvent, reason: str) -> None:
        await file(documents, store.refused(document, event, reason))

    return Relay(documents, log, store.COLLECTION, store.to_records, on_refused=refused)
