"""A model reasoner whose service is the simulator, impatient enough for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from safelight.agent.model import ModelReasoner
from safelight.services import Bill, Endpoint, PriceTable, Retry, Service, billing
from safelight.services.prices import Price
from safelight.tests.upstream import Simulator


@dataclass
class Thinker:
    """The reasoner, what it thought aloud, and its bill."""

    reasoner: ModelReasoner
    bill: Bill
    thoughts: list[str] = field(default_factory=list)

    async def think(self, text: str) -> None:
        self.thoughts.append(text)


@pytest.fixture
async def thinker(upstream: Simulator) -> AsyncIterator[Thinker]:
    endpoint = Endpoint("reasoner", base_url=upstream.url, api_key="sk-secret", seconds=5.0, attempts=2)
    service = Service(endpoint, retry=Retry(attempts=2, deadline=5.0, backoff=0.01))
    prices = PriceTable({"gpt-6": Price(input=1.0, output=10.0)})
    with billing(Bill(prices)) as bill:
        yield Thinker(ModelReasoner(service, "gpt-6-luna", mark=lambda: "0f"), bill)
    await service.aclose()


def impatient(service: Service, kind: str) -> None:
    """Where the other side hangs, do not wait for long; elsewhere a busy machine must not look like one that does."""
    if kind == "hang":
        service.endpoint = replace(service.endpoint, seconds=0.8)
