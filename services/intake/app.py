"""Intake as an app: what is opened, in which order, and what runs beside the routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.intake import api, api_operators, api_public, store
from services.intake.accounts import Accounts
from services.intake.admission import Gate
from services.intake.auditing import BOOKS, Auditor
from services.intake.contacts import Contacts
from services.intake.links import LINKS
from services.intake.making import Recipe
from services.intake.republishing import Republisher
from services.intake.sealing import Sealer, Secrets
from services.intake.service import Intake
from services.intake.settings import IntakeSettings
from services.intake.state import State
from services.intake.worker import Follower, Reconciler
from shared import startup
from shared.events import catalog
from shared.http import deadletters
from shared.http.account import fresh_enough
from shared.http.app import create_app as create
from shared.http.auth import Keyring
from shared.http.health import Health
from shared.http.watching import watch
from shared.log import open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.letters import Letters
from shared.log.listening import Listener
from shared.log.loop import Loop
from shared.pack.load import load_pack
from shared.runtime import Work, every, running
from shared.settings import load
from shared.store import Store, Workshop, open_store, open_workshop
from shared.store.outbox import EVENTS
from shared.store.relay import Relay

_RECONCILE_SECONDS, _AUDIT_SECONDS = 5.0, 20.0
_COLLECTIONS = (store.COLLECTION, store.ACCESSES, LINKS, BOOKS, LETTERS, PARKED, EVENTS)


def create_app(settings: IntakeSettings | None = None) -> FastAPI:
    """The app; without `settings` they are read from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(app, settings or load(IntakeSettings)):
            yield

    routers = [api.router, api_public.router, api_operators.router, deadletters.router]
    return create("intake", lifespan=lifespan, routers=routers, description=__doc__ or "", express=api.EXPRESS)


@asynccontextmanager
async def _opened(app: FastAPI, settings: IntakeSettings) -> AsyncIterator[None]:
    """Store before log before loops, and backwards when it ends: a loop never outlives what it writes to."""
    async with AsyncExitStack() as stack:
        pack = load_pack(settings.pack)
        documents = open_store(settings.store_url, "intake")
        stack.push_async_callback(documents.close)
        log = open_log(settings.log_url)
        stack.push_async_callback(log.close)
        recipe = Recipe(pack, settings.secrets_file, settings.reconcile_after)
        workshop = await _workshop(stack, documents, recipe, settings)
        relay = Relay(documents, log, store.COLLECTION, store.to_records)
        letters = DeadLetters(documents, log, service="intake", group="intake")
        follow = Loop(log, "intake", catalog.GROUPS["intake"], Follower(documents).handle, letters)
        reconciler = Reconciler(documents, log, after=settings.reconcile_after)
        auditor = Auditor(documents, log, reconciler.downstream_is_behind, after=settings.audit_after)
        accounts = Accounts(documents, log, relay, letters)
        app.state.keyring, app.state.letters = Keyring(settings.keys_file), Letters(documents)
        app.state.intake = State(
            settings=settings, pack=pack, keyring=app.state.keyring, store=documents, gate=Gate(settings),
            intake=Intake(documents, relay, recipe.preparer(), workshop), accounts=accounts,
            contacts=Contacts(documents, Sealer(Secrets(settings.secrets_file))),
            republisher=Republisher(documents, log, after=settings.reconcile_after),
            departments={one.code: (one.name.zh or one.name.en, one.name.en or one.name.zh) for one in pack.departments},
        )  # fmt: skip
        app.state.account = fresh_enough(accounts.count)
        loops: dict[str, Work] = {
            "prepare": await startup.prepare(documents, _COLLECTIONS),
            "topics": await startup.apply_topics(log, pack),
            "relay": relay.run,
            "follow": follow.run,
            "watch": watch(app),
            "reconcile": every(_RECONCILE_SECONDS, reconciler.run_once),
            "audit": every(_AUDIT_SECONDS, auditor.run_once),
            "findings": Listener(log, "intake-audit", auditor.hear).run,
        }
        beats = await stack.enter_async_context(running(loops, drain_seconds=settings.drain_seconds))
        others = {"log": log.check, "outbox": relay.check, "follow": follow.check, "account": auditor.check}
        others["keys"] = app.state.keyring.check
        app.state.health = Health(vital={"store": documents.check}, others=others, beats=beats)
        yield


async def _workshop(stack: AsyncExitStack, documents: Store, recipe: Recipe, settings: IntakeSettings) -> Workshop:
    workshop = open_workshop(documents, store.COLLECTION, recipe, apart=settings.preparer)
    stack.push_async_callback(workshop.close)
    await workshop.start()
    return workshop
