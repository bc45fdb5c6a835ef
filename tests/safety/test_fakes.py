"""The public fakes keep the contracts of what they stand in for."""

from __future__ import annotations

import io

import pytest
from PIL import Image

import safelight.testing as fakes
from safelight.agent.brief import Brief
from safelight.agent.plan import Plan
from safelight.agent.reasoner import Reasoner, Research, Rewrite
from safelight.errors import GeneratorError, SearchUnavailable
from safelight.safety import Content, Decision, ImagePart, Moderator, PolicySet, SafetyStack, Stage, Verdict
from safelight.tools.images.generator import ImageGenerator, ImageRequest
from safelight.tools.images.spec import ImageSpec, StyleSheet
from safelight.tools.search import SearchProvider
from safelight.tools.source import SearchHit


async def silent(_: str) -> None:
    return None


def test_all_is_complete_and_sorted_by_kind() -> None:
    public = {
        name
        for name, value in vars(fakes).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == fakes.__name__
    }
    assert public <= set(fakes.__all__)


@pytest.mark.parametrize(
    "moderator",
    [
        fakes.AllowAll(),
        fakes.BlockOn("x", "hate"),
        fakes.ScriptedModerator(),
        fakes.FailingModerator("none"),
        fakes.HangingModerator(),
    ],
)
def test_moderators_are_moderators(moderator: object) -> None:
    assert isinstance(moderator, Moderator)


async def test_a_script_is_followed_in_order_and_then_fails_closed() -> None:
    scripted = fakes.ScriptedModerator(Decision.ALLOW, Verdict(decision=Decision.BLOCK, reason="no"))
    stack = SafetyStack(PolicySet.load(), {Stage.PROMPT: scripted})
    content = Content.of_text(Stage.PROMPT, "x")
    first, second, third = [await stack.judge(content) for _ in range(3)]
    assert first.allowed
    assert (second.reason, second.failed) == ("no", False)
    assert third.failed


async def test_block_on_finds_words_in_texts_and_in_images() -> None:
    verdict = await fakes.BlockOn("x", "hate").moderate(Content(Stage.PROMPT, (ImagePart(b"a"), ImagePart(b"xy"))))
    assert [finding.part for finding in verdict.findings] == [1]


def test_clock_and_entropy_are_repeatable() -> None:
    clock = fakes.FakeClock(5.0)
    clock.advance(2.5)
    assert clock() == 7.5
    one, other = fakes.FakeEntropy(1), fakes.FakeEntropy(1)
    draws = [one(12) for _ in range(3)]
    assert draws == [other(12) for _ in range(3)]
    assert len(set(draws)) == 3


async def test_the_reasoner_thinks_from_its_script() -> None:
    thoughts: list[str] = []

    async def think(text: str) -> None:
        thoughts.append(text)

    reasoner = fakes.ScriptedReasoner(thoughts=("hm",), rewrites=[Rewrite(prompt="a fox")])
    assert isinstance(reasoner, Reasoner)
    brief = Brief(prompt="foxes", n=3)
    understanding = await reasoner.understand(brief, think)
    plan = await reasoner.plan(brief, understanding, Research(), think)
    assert isinstance(plan, Plan)
    assert len(plan.images) == 3
    assert thoughts == ["hm"]
    assert (await reasoner.rewrite("x", (), ())).prompt == "a fox"
    assert (await reasoner.rewrite("x", (), ())).prompt is None
    assert await reasoner.learn(understanding, (), think) == ((), ())
    assert (await fakes.ScriptedReasoner(plan=plan).plan(brief, understanding, Research(), silent)) is plan
    assert [what for what, _ in reasoner.asked] == ["understand", "plan", "rewrite", "rewrite", "learn"]


async def test_the_generator_draws_decodable_and_unlike_images() -> None:
    generator = fakes.ScriptedGenerator(GeneratorError("busy", retryable=True))
    assert isinstance(generator, ImageGenerator)
    spec = ImageSpec(index=0, of=2, prompt="a fox")
    request = ImageRequest(spec, StyleSheet())
    with pytest.raises(GeneratorError, match="busy"):
        await generator.generate(request)
    one, again = await generator.generate(request), await generator.generate(request)
    other = await generator.generate(ImageRequest(spec.model_copy(update={"index": 1}), StyleSheet(), format="webp"))
    assert one == again
    assert one.data != other.data
    with Image.open(io.BytesIO(other.data)) as image:
        assert (image.format, image.size) == ("WEBP", (1024, 1024))
    assert (await fakes.ScriptedGenerator(one).generate(request)) is one
    assert len(generator.requests) == 4


async def test_the_search_answers_from_its_table() -> None:
    hit = SearchHit(title="Fox", url="https://example.org", snippet="red", provider="scripted")
    search = fakes.ScriptedSearch({"fox": (hit, hit)})
    assert isinstance(search, SearchProvider)
    assert await search.search("fox", limit=1) == (hit,)
    assert await search.search("wolf") == ()
    assert search.queries == ["fox", "wolf"]
    with pytest.raises(SearchUnavailable):
        await fakes.ScriptedSearch(available=False).search("fox")
