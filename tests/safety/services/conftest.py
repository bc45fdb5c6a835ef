"""Judges behind the simulator, with patience cut short."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from safelight.safety.moderators import OpenAIModeration, ReasoningMonitor
from safelight.safety.policy import PolicySet
from safelight.services import Endpoint, Retry, Service
from safelight.tests.upstream import Simulator

MakeMonitor = Callable[..., ReasoningMonitor]


@pytest.fixture(scope="session")
def policies() -> PolicySet:
    return PolicySet.load()


@pytest.fixture
async def service(upstream: Simulator) -> AsyncIterator[Service]:
    endpoint = Endpoint("moderator", base_url=upstream.url, api_key="k", seconds=1.0, deadline=6.0, attempts=3)
    opened = Service(endpoint, retry=Retry(attempts=3, deadline=6.0, backoff=0.01))
    yield opened
    await opened.aclose()


@pytest.fixture
def omni(service: Service, policies: PolicySet) -> OpenAIModeration:
    return OpenAIModeration(service, "omni-moderation-latest", policies)


@pytest.fixture
def monitor(service: Service, policies: PolicySet) -> MakeMonitor:
    def make(model: str = "gpt-6-luna", **how: Any) -> ReasoningMonitor:
        return ReasoningMonitor(service, model, policies, **how)

    return make


def picture(*flags: str, side: int = 64) -> bytes:
    """A PNG that the simulator's moderation sees these flags in."""
    info = PngImagePlugin.PngInfo()
    info.add_text("stub", f"0 flags={','.join(flags)};")
    target = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(target, "PNG", pnginfo=info)
    return target.getvalue()
