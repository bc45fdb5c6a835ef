"""An image service on the simulator, with patience cut short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from safelight.services import Endpoint, Retry, Service
from safelight.tests.upstream import Simulator
from safelight.tools.images.generator import ImageRequest
from safelight.tools.images.openai import ImageOptions, OpenAIImages
from safelight.tools.images.spec import ImageSpec, Size, StyleSheet

Images = Callable[..., OpenAIImages]


@pytest.fixture
async def images(upstream: Simulator) -> AsyncIterator[Images]:
    """Makes generators on the simulator; keywords are options, `seconds` limits an attempt."""
    opened: list[OpenAIImages] = []

    def make(model: str = "gpt-image-2.6-sunburst", seconds: float = 5.0, **options: Any) -> OpenAIImages:
        endpoint = Endpoint("generator", base_url=upstream.url, api_key="k", seconds=seconds, deadline=20.0)
        service = Service(endpoint, retry=Retry(deadline=20.0, backoff=0.01))
        opened.append(OpenAIImages(service, model, options=ImageOptions(**options)))
        return opened[-1]

    yield make
    for each in opened:
        await each.aclose()


def request(prompt: str = "a hill", *, side: int = 512, **more: Any) -> ImageRequest:
    how = {name: more.pop(name) for name in ("images", "format", "safety_identifier") if name in more}
    spec = ImageSpec(index=0, of=1, prompt=prompt, size=Size(width=side, height=side), **more)
    return ImageRequest(spec, StyleSheet(), **how)
