"""The composition root: builds what a process needs from its settings, and takes it down again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from .agent.embedded import EmbeddedReasoner
from .config import Settings
from .graphs.runner import Runner
from .graphs.services import Budget, RunRecorder, Services, Toolbox
from .models import build_generators, build_reasoners, build_stack, check_prices
from .processes import Processes
from .provenance.keys import SigningIdentity
from .provenance.stamper import ImageStamper, open_stamper
from .recall import recall_from
from .safety.clearance import ClearanceOffice
from .safety.guard import Guard
from .safety.policy import PolicySet
from .safety.stack import SafetyStack
from .services import PriceTable, ServicePool, account_hash
from .store import Store, open_checkpointer
from .store.opening import open_store
from .tools.fetch import PageFetcher
from .tools.hosted import HostedSearch
from .tools.images.generator import ImageGenerator
from .tools.providers import Searching, build_search
from .tools.reader import DocumentReader
from .tools.source import Document, SearchHit

__all__ = ["Assembly", "checkpoints", "open_assembly", "open_searching", "open_store"]


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
    pool: ServicePool
    runner: Runner


@asynccontextmanager
async def open_assembly(settings: Settings, identity: SigningIdentity | None = None) -> AsyncIterator[Assembly]:
    """Everything, built in order and closed in reverse; `identity` signs, else the one that the settings name.

    Raises:
        ConfigError: a setting names something that does not exist or is not installed.
        StoreError: the database, the blobs or the home folder cannot be used.
    """
    async with AsyncExitStack() as exits:
        store, keys = await exits.enter_async_context(open_store(settings))
        checkpointer = await exits.enter_async_context(open_checkpointer(checkpoints(settings)))
        policies = await asyncio.to_thread(PolicySet.load, settings.policies)
        pool = ServicePool(settings)
        exits.push_async_callback(pool.aclose)
        stack = build_stack(settings, policies, pool)
        signing = keys.get("clearance")
        office = ClearanceOffice(
            signing.secrets, signing.current, policies.version, lifetime=settings.clearance_seconds
        )
        recorder = RunRecorder(store.recorder)
        guard = Guard(stack, office, recorder)
        processes = Processes(settings.stamp_processes or 0)
        exits.callback(processes.close)
        stamper = await open_stamper(settings, store, processes, identity)
        documents = DocumentReader()
        exits.callback(documents.close)
        prices = await asyncio.to_thread(PriceTable.load, settings.prices)
        check_prices(settings, prices)
        account_key = (await asyncio.to_thread(keys.get, "account")).key
        recall = recall_from(store, stamper)
        reasoners = build_reasoners(
            settings,
            pool,
            recall=recall,
            open_image=store.blobs.get,
            identify=lambda account: account_hash(account, account_key) if account else "",
        )
        services = Services(
            policies=policies,
            guard=guard,
            office=office,
            recorder=recorder,
            store=store,
            reasoner=reasoners[0],
            reasoner_fallbacks=reasoners[1:],
            prices=prices,
            drafter=EmbeddedReasoner(recall=recall),
            tools=_toolbox(settings, documents, build_generators(settings, pool), pool),
            stamper=stamper,
            budget=Budget(
                settings.max_queries,
                settings.max_pages,
                settings.search_seconds,
                rounds=settings.max_rounds,
                tokens=settings.max_research_tokens,
                research_seconds=settings.max_research_seconds,
                revisions=settings.max_revisions,
                dollars=settings.max_cost,
                account_dollars=settings.max_account_cost,
            ),
            human_review=settings.human_review,
            claim_prompt=settings.claim_prompt,
            generating=asyncio.Semaphore(settings.concurrency),
            partial_images=settings.partial_images,
            account_key=account_key,
        )
        runner = Runner(services, checkpointer, new_id=lambda: f"run_{uuid4().hex}")
        yield Assembly(settings, policies, stack, guard, store, stamper, services, pool, runner)


def open_searching(settings: Settings, documents: DocumentReader, pool: ServicePool) -> Searching:
    """The configured search chain and the reader of what it finds. Raises ConfigError for a name that is none."""
    return build_search(
        settings.search,
        documents=documents,
        fetcher=PageFetcher(documents),
        seconds=settings.search_seconds,
        hosted=lambda model: HostedSearch(pool.get("reasoner"), model),
    )


def _toolbox(
    settings: Settings, documents: DocumentReader, generators: tuple[ImageGenerator, ...], pool: ServicePool
) -> Toolbox:
    searching = open_searching(settings, documents, pool)
    chain = searching.provider

    async def search(query: str, limit: int) -> tuple[SearchHit, ...]:
        return await chain.search(query, limit=limit) if chain else ()

    async def open_file(data: bytes, name: str) -> Document:
        return await documents.read(data, name, url=f"attachment:{name}")

    return Toolbox(
        search=search if chain else None,
        read=searching.reader.read,
        open_file=open_file,
        generator=generators[0],
        fallbacks=generators[1:],
    )


def checkpoints(settings: Settings) -> str:
    """Where runs are checkpointed: beside the SQLite database, or in PostgreSQL."""
    if settings.database_url.startswith("postgresql"):
        return settings.database_url
    return str(settings.checkpoints_path)
