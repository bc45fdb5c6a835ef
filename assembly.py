"""The composition root: builds what a process needs from its settings, and takes it down again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from .agent.embedded import EmbeddedReasoner
from .agent.reasoner import Reasoner
from .config import Settings
from .errors import ConfigError, StoreError
from .graphs.runner import Runner
from .graphs.services import Budget, RunRecorder, Services, Toolbox
from .provenance.stamper import ImageStamper, open_stamper
from .safety.clearance import ClearanceOffice
from .safety.guard import Guard
from .safety.moderators import embedded_stack
from .safety.policy import PolicySet
from .safety.stack import SafetyStack
from .store import KeyRing, Store, open_checkpointer
from .tools.fetch import PageFetcher
from .tools.files import read_document
from .tools.folder import FolderSearch
from .tools.images.canvas import Canvas
from .tools.images.generator import ImageGenerator
from .tools.search import DdgsSearch, ProviderReader, SearchChain, SearchProvider, SearxngSearch

__all__ = ["Assembly", "checkpoints", "open_assembly", "open_store", "search_providers"]


@dataclass(frozen=True)
class Assembly:
    """Everything that one process runs on."""

    settings: Settings
    policies: PolicySet
    stack: SafetyStack
    guard: Guard
    store: Store
    stamper: ImageStamper
    services: Services
    runner: Runner


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[tuple[Store, KeyRing]]:
    """The store and the keys alone: what looking at runs and auditing needs."""
    prepare_home(settings.home)
    keys = await asyncio.to_thread(KeyRing.open, settings.keys_dir)
    anchor = settings.keys_dir / "ledger.anchor"
    async with Store.open(settings.database_url, settings.blobs_url, keys.get("ledger"), anchor=anchor) as store:
        yield store, keys


@asynccontextmanager
async def open_assembly(settings: Settings) -> AsyncIterator[Assembly]:
    """Everything, built in order and closed in reverse.

    Raises:
        ConfigError: a setting names something that does not exist or is not installed.
        StoreError: the database, the blobs or the home folder cannot be used.
    """
    async with AsyncExitStack() as exits:
        store, keys = await exits.enter_async_context(open_store(settings))
        checkpointer = await exits.enter_async_context(open_checkpointer(checkpoints(settings)))
        policies = await asyncio.to_thread(PolicySet.load, settings.policies)
        stack = embedded_stack(policies, seconds=settings.moderator_seconds, human_review=settings.human_review)
        signing = keys.get("clearance")
        office = ClearanceOffice(
            signing.secrets, signing.current, policies.version, lifetime=settings.clearance_seconds
        )
        recorder = RunRecorder(store.recorder)
        guard = Guard(stack, office, recorder)
        stamper = await open_stamper(settings, store)
        services = Services(
            policies=policies,
            guard=guard,
            office=office,
            recorder=recorder,
            store=store,
            reasoner=_reasoner(settings.reasoner),
            drafter=EmbeddedReasoner(),
            tools=_toolbox(settings),
            stamper=stamper,
            budget=Budget(settings.max_queries, settings.max_pages, settings.search_seconds),
            human_review=settings.human_review,
            claim_prompt=settings.claim_prompt,
            generating=asyncio.Semaphore(settings.concurrency),
        )
        runner = Runner(services, checkpointer, new_id=lambda: f"run_{uuid4().hex}")
        yield Assembly(settings, policies, stack, guard, store, stamper, services, runner)


def prepare_home(home: Path) -> None:
    """Create the folder that everything lives under, for its owner alone."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"The folder {home} cannot be created ({error.strerror}). "
            "Set SAFELIGHT_HOME to a folder that can be written."
        ) from error


def search_providers(settings: Settings) -> tuple[SearchProvider, ...]:
    """The configured providers, in order. Raises ConfigError for a name that is none."""
    providers: list[SearchProvider] = []
    for name in settings.search:
        kind, _, rest = name.partition(":")
        match kind:
            case "none":
                return ()
            case "ddgs":
                providers.append(DdgsSearch(seconds=settings.search_seconds))
            case "searxng" if re.match(r"https?://", rest):
                providers.append(SearxngSearch(rest, seconds=settings.search_seconds))
            case "folder" if rest:
                providers.append(FolderSearch(Path(rest).expanduser()))
            case _:
                raise ConfigError(f"search {name!r} is unknown. Use ddgs, searxng:URL, folder:PATH or none.")
    return tuple(providers)


def _toolbox(settings: Settings) -> Toolbox:
    chain = SearchChain(providers) if (providers := search_providers(settings)) else None
    reader = ProviderReader(providers, PageFetcher())
    return Toolbox(
        search=chain.search if chain else None,
        read=reader.read,
        open_file=read_document,
        generator=_generator(settings.generator[0]),
    )


def _reasoner(name: str) -> Reasoner:
    if name == "embedded":
        return EmbeddedReasoner()
    raise ConfigError(f"reasoner {name!r} is unknown. Use embedded.")


def _generator(name: str) -> ImageGenerator:
    if name == "canvas":
        return Canvas()
    raise ConfigError(f"generator {name!r} is unknown. Use canvas.")


def checkpoints(settings: Settings) -> str:
    """Where runs are checkpointed: beside the SQLite database, or in PostgreSQL."""
    if settings.database_url.startswith("postgresql"):
        return settings.database_url
    return str(settings.checkpoints_path)
