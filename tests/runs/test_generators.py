"""Generators in a run: their own refusals, one taking over from another, and previews; nothing uncleared leaves."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from safelight import media
from safelight.agent.brief import Brief
from safelight.errors import BadInput, GeneratorError, StoreError, Uncleared
from safelight.graphs.generation import next_job
from safelight.graphs.partials import blurred
from safelight.safety import EffectChain, Stage, guard
from safelight.safety.content import Content
from safelight.safety.guard import Blocked, Cleared, Declined
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.store.tables import EffectRow
from safelight.testing import BlockOn, ScriptedGenerator, ScriptedModerator, fake_guard
from safelight.tools.images.generator import Capabilities, DeclinedImage

from .conftest import Build

MODEL = "image-model"
BUSY = GeneratorError("The generator is not available (503).", kind="unavailable", retryable=True, charged=False)


def declined(stage: str = "input", *categories: str) -> DeclinedImage:
    policies = ("violence_graphic",) if "violence" in categories else ()
    return DeclinedImage(MODEL, stage, categories, policies)  # type: ignore[arg-type]


def block(*policies: str) -> Verdict:
    found = tuple(
        Finding(policy=policy, category=policy, score=1.0, decision=Decision.BLOCK, moderator="scripted")
        for policy in policies
    )
    return Verdict(decision=Decision.BLOCK, findings=found, moderator="scripted")


ALLOW = Verdict(decision=Decision.ALLOW, moderator="scripted")


@pytest.mark.parametrize(("stage", "at"), [("input", "generator_input"), ("output", "generator_output")])
async def test_what_the_generator_declines_is_a_typed_gap_and_never_asked_again(
    build: Build, stage: str, at: str
) -> None:
    generator = ScriptedGenerator(declined(stage, "violence"))
    spare = ScriptedGenerator(name="spare")
    world = await build(generator=generator, fallbacks=(spare,))
    result, events = await world.run(Brief(prompt="cats", n=3))
    assert result.status == "partial"
    (gap,) = [image.gap for image in result.images if image.gap]
    assert (gap.stage, gap.policy) == (at, "violence_graphic")
    assert MODEL in gap.reason
    assert "Graphic violence" in gap.reason
    assert gap.offer
    assert len(generator.requests) == 3
    assert spare.requests == [], "a refusal is no failure: nobody else is asked"
    assert [event.policies for event in events if event.type == "image.blocked"] == [("violence_graphic",)]
    await world.store.ledger.verify()


async def test_a_refusal_without_a_known_reason_still_says_what_can_be_done(build: Build) -> None:
    world = await build(generator=ScriptedGenerator(declined("output", "other")))
    result, _ = await world.run(Brief(prompt="cats", n=2))
    (gap,) = [image.gap for image in result.images if image.gap]
    assert "(other)" in gap.reason
    assert gap.policy == ""
    assert gap.offer


async def test_a_refusal_is_booked_as_an_end(build: Build) -> None:
    world = await build(generator=ScriptedGenerator(declined(), declined()))
    result, _ = await world.run(Brief(prompt="cats", n=2))
    assert result.status == "refused"
    query = sa.select(EffectRow.state).where(EffectRow.effect == "generate")
    assert await world.store.db.read(lambda connection: connection.execute(query).scalars().all()) == ["finished"] * 2


async def test_where_one_generator_fails_the_next_takes_over_guarded_anew(build: Build) -> None:
    first = ScriptedGenerator(BUSY, BUSY, name="first", algorithmic=False)
    spare = ScriptedGenerator(name="spare")
    world = await build(generator=first, fallbacks=(spare,))
    result, events = await world.run(Brief(prompt="cats", n=2))
    assert result.status == "delivered"
    assert {image.model for image in result.images} == {"spare"}
    assert all(facts.algorithmic for facts in world.stamper.stamped), "the stamp follows whoever made the image"
    assert [image.notes for image in result.images] == [(f"{BUSY} spare made this image in its place.",)] * 2
    assert sum(event.type == "warning" for event in events) == 2
    judged = [event.stage for event in events if event.type == "verdict" and event.image == 0]
    assert judged == ["generator_input", "generator_input", "generator_output"]


async def test_the_stamp_of_a_model_is_that_of_a_model(build: Build) -> None:
    world = await build(generator=ScriptedGenerator(algorithmic=False), fallbacks=(ScriptedGenerator(name="spare"),))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.status == "delivered"
    assert not world.stamper.stamped[0].algorithmic


async def test_a_hop_that_is_blocked_is_not_called(build: Build) -> None:
    """The input of the second generator is judged by itself: a clearance for the first is none for it."""
    verdicts = iter([ALLOW, block("hate")])
    first, spare = ScriptedGenerator(BUSY, name="first"), ScriptedGenerator(name="spare")
    moderator = ScriptedModerator(lambda _: next(verdicts))
    world = await build({Stage.GENERATOR_INPUT: moderator}, generator=first, fallbacks=(spare,))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.status == "refused"
    assert spare.requests == []
    first_content, second_content = moderator.seen
    assert first_content.digest != second_content.digest


async def test_the_output_of_every_hop_is_judged(build: Build) -> None:
    moderator = ScriptedModerator(lambda _: block("sexual_minors"))
    spare = ScriptedGenerator(name="spare")
    world = await build({Stage.GENERATOR_OUTPUT: moderator}, generator=ScriptedGenerator(BUSY), fallbacks=(spare,))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.status == "refused"
    assert len(spare.requests) == 1
    assert result.refusal is not None
    assert result.refusal.stage == "generator_output"


async def test_a_request_that_one_cannot_serve_goes_to_the_next(build: Build) -> None:
    first = ScriptedGenerator(BadInput("No masks here."), name="first")
    world = await build(generator=first, fallbacks=(ScriptedGenerator(name="spare"),))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.status == "delivered"


async def test_where_all_fail_each_is_named(build: Build) -> None:
    last = ScriptedGenerator(GeneratorError("The second is out of quota.", kind="quota"), name="spare")
    world = await build(generator=ScriptedGenerator(BUSY), fallbacks=(last,))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.refusal is not None
    assert "503" in result.refusal.reason
    assert "out of quota" in result.refusal.reason
    assert result.status == "failed"


async def test_a_call_whose_end_is_unknown_is_left_open_in_the_ledger(build: Build) -> None:
    lost = GeneratorError("The generator dropped the connection.", kind="dropped", unknown_end=True)
    world = await build(generator=ScriptedGenerator(lost))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert len(await world.store.effects.pending(result.run_id)) == 1


async def test_an_account_reaches_a_generator_as_a_keyed_hash_only(build: Build) -> None:
    world = await build()
    await world.run(Brief(prompt="a cat", n=1, account="ann@example.org"))
    await world.run(Brief(prompt="a cat", n=1))
    named, nameless = world.generator.requests
    assert len(named.safety_identifier) == 64
    assert "ann" not in repr(named)
    assert nameless.safety_identifier == ""
    assert named.digest == nameless.digest


class TestChain:
    """`EffectChain` by itself."""

    @staticmethod
    def effect(*outcomes: object, moderator: BlockOn | None = None):  # type: ignore[no-untyped-def]
        given = list(outcomes)

        async def fn(value: str) -> object:
            outcome = given.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        def described(output: object, _: str) -> Content | Declined:
            return output if isinstance(output, Declined) else Content.of_text(Stage.GENERATOR_OUTPUT, str(output))

        return guard(
            fn, guard=fake_guard(moderator), stage_in=Stage.GENERATOR_INPUT, stage_out=Stage.GENERATOR_OUTPUT,
            content_in=lambda value: Content.of_text(Stage.GENERATOR_INPUT, value), content_out=described,
        )  # fmt: skip

    @pytest.mark.parametrize("error", [Uncleared("no"), StoreError("gone"), RuntimeError("bug"), KeyError("x")])
    async def test_only_failures_of_a_generator_lead_onward(self, error: Exception) -> None:
        assert next_job(None, error) is None  # type: ignore[arg-type]
        chain = EffectChain([self.effect(error), self.effect("made")], onward=lambda _v, _e: None)
        with pytest.raises(type(error)):
            await chain.run("x", run_id="r")

    async def test_a_block_ends_the_chain(self) -> None:
        chain = EffectChain(
            [self.effect("a dragon", moderator=BlockOn("dragon", "hate")), self.effect("made")],
            onward=lambda value, _: value,
        )
        outcome = await chain.run("x", run_id="r")
        assert isinstance(outcome, Blocked)
        assert not outcome.declined

    async def test_a_refusal_of_the_callable_ends_it_too(self) -> None:
        refusal = Declined(block("hate"), Stage.GENERATOR_INPUT)
        outcome = await self.effect(refusal).run("x", run_id="r")
        assert isinstance(outcome, Blocked)
        assert (outcome.declined, outcome.stage) == (True, Stage.GENERATOR_INPUT)

    async def test_a_refusal_that_allows_is_none(self) -> None:
        outcome = await self.effect(Declined(ALLOW, Stage.GENERATOR_INPUT)).run("x", run_id="r")
        assert isinstance(outcome, Blocked)
        assert outcome.verdict.failed

    async def test_the_last_word_is_the_last_effects(self) -> None:
        chain = EffectChain([self.effect(BUSY), self.effect("made")], onward=lambda value, _: value)
        outcome = await chain.run("x", run_id="r")
        assert isinstance(outcome, Cleared)
        assert outcome.value == "made"

    def test_it_cannot_be_tampered_with(self) -> None:
        import copy
        import pickle

        chain = EffectChain([self.effect()], onward=lambda value, _: value)
        assert copy.deepcopy(chain) is copy.copy(chain) is chain
        with pytest.raises(AttributeError):
            chain._effects = ()  # type: ignore[misc]
        with pytest.raises(AttributeError):
            del chain._effects
        with pytest.raises(TypeError):
            pickle.dumps(chain)


def flat(color: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (320, 240), color).save(target, "PNG")
    return target.getvalue()


def red(content: Content) -> bool:
    """The stand-in for what must not be seen: a picture that is mostly red."""
    pixels = np.asarray(media.flatten(media.open_image(content.images[0].data)), np.float32)
    return bool(pixels[..., 0].mean() > 150 > pixels[..., 1].mean() + 50)


@pytest.mark.parametrize("mode", ["off", "judged", "blurred"])
async def test_no_uncleared_preview_leaves(build: Build, mode: str) -> None:
    judge = ScriptedModerator(lambda content: block("sexual") if red(content) else ALLOW)
    generator = ScriptedGenerator(previews=[flat("red"), flat("blue"), flat("red")])
    world = await build({Stage.GENERATOR_OUTPUT: judge}, generator=generator, partial_images=mode)  # type: ignore[arg-type]
    _, events = await world.run(Brief(prompt="cats", n=1))
    shown = [event for event in events if event.type == "image.partial"]
    if mode == "off":
        assert shown == []
    elif mode == "judged":
        assert [(event.number, event.blurred) for event in shown] == [(1, False)]
        data = await world.store.blobs.get(shown[0].ref)
        assert not red(Content(Stage.GENERATOR_OUTPUT, ()) and _as_content(data))
        assert data in [content.images[0].data for content in judge.seen], "exactly the judged bytes leave"
    else:
        assert [event.blurred for event in shown] == [True, True, True]


def _as_content(data: bytes) -> Content:
    from safelight.safety.content import ImagePart

    return Content(Stage.GENERATOR_OUTPUT, (ImagePart(data),))


async def test_a_preview_that_cannot_be_judged_is_dropped_and_the_image_stays(build: Build) -> None:
    generator = ScriptedGenerator(previews=[b"no image at all", flat("blue")])
    world = await build(generator=generator, partial_images="judged")
    result, events = await world.run(Brief(prompt="cats", n=1))
    assert result.status == "delivered"
    assert [event.number for event in events if event.type == "image.partial"] == [1]


async def test_a_preview_that_is_still_being_judged_when_the_image_comes_is_too_late(build: Build) -> None:
    class Slow:
        name = "slow"

        async def moderate(self, content: Content) -> Verdict:
            if content.images[0].media_type == "image/webp":  # a preview
                await asyncio.sleep(30)
            return ALLOW

    generator = ScriptedGenerator(previews=[flat("blue")], capabilities=Capabilities(remote=True))
    world = await build({Stage.GENERATOR_OUTPUT: Slow()}, generator=generator, partial_images="judged")
    result, events = await asyncio.wait_for(world.run(Brief(prompt="cats", n=1)), 10)
    assert result.status == "delivered"
    assert not [event for event in events if event.type == "image.partial"]


def test_a_blur_keeps_no_detail() -> None:
    """Two pictures that differ in detail alone become the same blur, to within what compression does."""
    rng = np.random.default_rng(0)
    fine = np.full((480, 480, 3), 128, np.uint8)
    fine[::4, ::4] = rng.integers(0, 255, (120, 120, 3))
    plain = np.full((480, 480, 3), fine.mean((0, 1)).astype(np.uint8), np.uint8)
    seen = []
    for pixels in (fine, plain):
        target = io.BytesIO()
        Image.fromarray(pixels).save(target, "PNG")
        seen.append(np.asarray(media.open_image(blurred(target.getvalue())), np.float32))
    assert np.abs(seen[0] - seen[1]).max() < 12
