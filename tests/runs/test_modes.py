"""The journey of a run: what is judged, drawn, stamped and told in each mode, and what a block does to it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Literal

import pytest

from safelight.agent.brief import Attachment, Brief, Turn
from safelight.agent.reasoner import Rewrite, Understanding
from safelight.errors import GeneratorError
from safelight.safety.content import Content, Stage
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.testing import (
    AllowAll,
    BlockOn,
    FailingModerator,
    ScriptedGenerator,
    ScriptedModerator,
    ScriptedReasoner,
    ScriptedSearch,
)
from safelight.tools.source import Document, SearchHit

from .conftest import Build


def found(policy: str, score: float, decision: Decision, evidence: str = "the part") -> Verdict:
    finding = Finding(
        policy=policy, category=policy, score=score, decision=decision, moderator="scripted", evidence=evidence
    )
    return Verdict(decision=decision, findings=(finding,), moderator="scripted")


def allowed() -> Verdict:
    return Verdict(decision=Decision.ALLOW, moderator="scripted")


async def test_a_thinking_run_delivers_a_stamped_set(build: Build) -> None:
    world = await build()
    result, events = await world.run(Brief(prompt="three cats", n=3))
    assert result.status == "delivered"
    assert [image.index for image in result.images] == [0, 1, 2]
    for image in result.images:
        data = await world.store.blobs.get(image.ref)
        assert data.endswith(b"stamped")
        assert hashlib.sha256(data).hexdigest() == image.sha256
    kinds = Counter(event.type for event in events)
    assert kinds["image.finished"] == 3
    assert [event.seq for event in events] == list(range(len(events)))
    assert events[0].type == "run.started"
    assert events[-1].type == "run.finished"
    assert await world.store.runs.events(result.run_id) == events
    stages = Counter(event.stage for event in events if event.type == "verdict")
    assert stages == {"prompt": 1, "plan": 1, "generator_input": 3, "generator_output": 3, "image_set": 1}
    await world.store.ledger.verify()


async def test_a_blocked_prompt_costs_nothing_and_is_answered_usefully(build: Build) -> None:
    reasoner = ScriptedReasoner(thoughts=("The dragon in the prompt is …",))
    world = await build({Stage.PROMPT: BlockOn("dragon", "sexual_minors")}, reasoner=reasoner)
    result, events = await world.run(Brief(prompt="a dragon"))
    assert result.status == "refused"
    assert result.refusal is not None
    assert result.refusal.stage == "prompt"
    assert result.refusal.policies == ("sexual_minors",)
    assert result.refusal.offer
    assert "dragon" in result.refusal.reason
    assert world.generator.requests == []
    assert "thinking" not in {event.type for event in events}, "thoughts about a blocked prompt were shown"


async def test_a_rewritable_prompt_is_completed_safely_and_judged_anew(build: Build) -> None:
    def judge(content: Content) -> Verdict:
        gore = "gore" in content.texts[0].text
        return found("violence_graphic", 0.6, Decision.REWRITE) if gore else allowed()

    reasoner = ScriptedReasoner(rewrites=[Rewrite(prompt="a battle at dusk", changes=("left out the gore",))] * 3)
    world = await build({Stage.PROMPT: ScriptedModerator(judge)}, reasoner=reasoner)
    result, events = await world.run(Brief(prompt="a battle with gore", n=1))
    assert result.status == "delivered"
    assert result.rewritten[0]["changes"] == ["left out the gore"]
    assert "gore" not in world.generator.requests[0].spec.prompt
    prompts = [event.decision for event in events if event.type == "verdict" and event.stage == "prompt"]
    assert prompts[0] == "rewrite"
    assert prompts[-1] == "allow"


async def test_a_rewritten_plan_names_what_stood_against_it(build: Build) -> None:
    def judge(content: Content) -> Verdict:
        gore = "gore" in content.texts[0].text
        harmless = found("privacy", 0.01, Decision.ALLOW)  # how close it came to other policies is told as well
        return found("violence_graphic", 0.6, Decision.REWRITE) if gore else harmless

    rewrite = Rewrite(prompt="a battle at dusk", changes=("left out the gore",))
    understanding = Understanding(summary="a battle", subject="a battle", count=1)
    reasoner = ScriptedReasoner(understanding=understanding, rewrites=[rewrite])
    world = await build({Stage.PLAN: ScriptedModerator(judge)}, reasoner=reasoner)
    result, events = await world.run(Brief(prompt="a battle with gore", n=1))
    assert result.status == "delivered"
    assert [event.policies for event in events if event.type == "rewritten"] == [("violence_graphic",)]
    assert [each["policies"] for each in result.rewritten] == [["violence_graphic"]]


async def test_a_rewrite_that_is_still_unsafe_is_refused(build: Build) -> None:
    reasoner = ScriptedReasoner(rewrites=[Rewrite(prompt="a battle with less gore", changes=("less",))] * 5)
    moderator = ScriptedModerator(lambda _: found("violence_graphic", 0.6, Decision.REWRITE))
    world = await build({Stage.PROMPT: moderator}, reasoner=reasoner)
    result, _ = await world.run(Brief(prompt="a battle with gore", n=1))
    assert result.status == "refused"
    assert world.generator.requests == []


async def test_instant_mode_refuses_what_thinking_mode_would_rewrite(build: Build) -> None:
    moderator = ScriptedModerator(lambda _: found("violence_graphic", 0.6, Decision.REWRITE))
    world = await build({Stage.PROMPT: moderator})
    result, _ = await world.run(Brief(prompt="a battle with gore", n=1, mode="instant"))
    assert result.status == "refused"
    assert result.refusal is not None
    assert any("thinking" in offer for offer in result.refusal.offer)


@pytest.mark.parametrize("mode", ["thinking", "instant"])
async def test_only_instant_mode_says_that_nobody_will_rewrite_the_request(
    build: Build, mode: Literal["thinking", "instant"]
) -> None:
    seen: list[bool] = []

    def judge(content: Content) -> Verdict:
        seen.append(content.final)
        return allowed()

    world = await build({Stage.PROMPT: ScriptedModerator(judge)})
    await world.run(Brief(prompt="a battle", n=1, mode=mode))
    assert seen == [mode == "instant"]


async def test_one_blocked_image_leaves_a_typed_gap_and_its_siblings(build: Build) -> None:
    blocked = ScriptedModerator(
        lambda content: found("hate", 0.99, Decision.BLOCK) if "(2 of 3)" in content.texts[0].text else allowed()
    )
    world = await build({Stage.GENERATOR_INPUT: blocked})
    result, events = await world.run(Brief(prompt="cats", n=3))
    assert result.status == "partial"
    assert [image.gap is None for image in result.images] == [True, False, True]
    gap = result.images[1].gap
    assert gap is not None
    assert (gap.stage, gap.policy) == ("generator_input", "hate")
    assert gap.offer
    assert len(world.generator.requests) == 2
    assert [event.image for event in events if event.type == "image.blocked"] == [1]


async def test_a_blocked_image_is_tried_once_more_rewritten(build: Build) -> None:
    moderator = ScriptedModerator(
        lambda content: (
            found("violence_graphic", 0.99, Decision.BLOCK) if "(2 of 2)" in content.texts[0].text else allowed()
        )
    )
    reasoner = ScriptedReasoner(rewrites=[Rewrite(prompt="a calm cat", changes=("calmer",))])
    world = await build({Stage.GENERATOR_INPUT: moderator}, reasoner=reasoner)
    result, events = await world.run(Brief(prompt="cats", n=2))
    assert result.status == "delivered"
    assert "image.retried" in {event.type for event in events}
    assert world.generator.requests[-1].spec.prompt == "a calm cat"
    assert any(change["image"] == 1 for change in result.rewritten)


@pytest.mark.parametrize(("policy", "stops"), [("bio_chem", True), ("sexual_minors", True), ("hate", False)])
async def test_one_image_of_the_gravest_kind_stops_the_set(build: Build, policy: str, stops: bool) -> None:
    moderator = ScriptedModerator(
        lambda content: found(policy, 0.99, Decision.BLOCK) if "(2 of 2)" in content.texts[0].text else allowed()
    )
    world = await build({Stage.GENERATOR_INPUT: moderator}, reasoner=ScriptedReasoner(rewrites=[]))
    result, events = await world.run(Brief(prompt="cats", n=2))
    assert result.status == ("refused" if stops else "partial")
    assert ("delivered" in {event.type for event in events}) is not stops
    if stops:
        assert result.images == ()
        assert result.refusal is not None
        assert result.refusal.policies == (policy,)
        assert "image.retried" not in {event.type for event in events}


async def test_a_failing_generator_sinks_one_image_only(build: Build) -> None:
    generator = ScriptedGenerator(GeneratorError("The service hung up."))
    world = await build(generator=generator)
    result, _ = await world.run(Brief(prompt="cats", n=3))
    assert result.status == "partial"
    assert sum(image.gap is not None for image in result.images) == 1


async def test_images_that_are_harmful_only_together_are_caught(build: Build) -> None:
    together = ScriptedModerator(
        lambda content: found("bio_chem", 0.99, Decision.BLOCK) if len(content.images) > 1 else allowed()
    )
    world = await build({Stage.IMAGE_SET: together})
    alone, _ = await world.run(Brief(prompt="cats", n=1))
    result, events = await world.run(Brief(prompt="cats", n=2))
    assert alone.status == "delivered"
    assert result.status == "refused"
    assert result.images == ()
    assert "delivered" not in {event.type for event in events}


async def test_the_set_is_judged_with_the_turns_before(build: Build) -> None:
    seen = AllowAll()
    world = await build({Stage.IMAGE_SET: seen, Stage.PROMPT: seen})
    earlier = await world.store.blobs.put(b"an earlier image")
    turns = (Turn(role="user", text="first turn"), Turn(role="assistant", images=(earlier,)))
    await world.run(Brief(prompt="cats", n=1, turns=turns))
    for content in seen.seen:
        assert any(getattr(part, "text", "") == "first turn" for part in content.context)
        assert any(getattr(part, "data", b"") == b"an earlier image" for part in content.context)


async def test_a_broken_moderator_blocks_and_says_so(build: Build) -> None:
    for stage in (Stage.PROMPT, Stage.PLAN, Stage.GENERATOR_INPUT, Stage.GENERATOR_OUTPUT, Stage.IMAGE_SET):
        world = await build({stage: FailingModerator("raises")})
        result, events = await world.run(Brief(prompt="cats", n=1))
        assert result.images == ()
        assert result.status in {"refused", "failed"}
        assert "delivered" not in {event.type for event in events}
        assert result.refusal is not None
        assert "could not be checked" in result.refusal.reason


async def test_research_reads_guarded_pages_and_marks_the_run(build: Build) -> None:
    hits = tuple(
        SearchHit(title=name, url=f"https://example.org/{name}", snippet=name, provider="scripted")
        for name in ("good", "poisoned", "gone")
    )
    pages = {
        hit.url: Document(title=hit.title, url=hit.url, text=f"the text of {hit.title}")
        for hit in hits
        if hit.title != "gone"
    }
    reasoner = ScriptedReasoner(understanding=Understanding(summary="cats", queries=("cats",), count=1))
    world = await build(
        {Stage.TOOL_RESULT: BlockOn("poisoned", "injection")},
        reasoner=reasoner,
        search=ScriptedSearch(default=hits),
        pages=pages,
    )
    result, events = await world.run(Brief(prompt="cats", n=1))
    assert result.status == "delivered"
    assert result.researched
    learned = next(documents for name, documents in reasoner.asked if name == "learn")
    assert [document.title for document in learned] == ["good"]
    assert [event.title for event in events if event.type == "source"] == ["good"]


async def test_without_any_search_the_run_goes_on_unresearched(build: Build) -> None:
    reasoner = ScriptedReasoner(understanding=Understanding(summary="cats", queries=("cats",), count=1))
    world = await build(reasoner=reasoner, search=ScriptedSearch(available=False))
    result, events = await world.run(Brief(prompt="cats", n=1))
    assert result.status == "delivered"
    assert not result.researched
    assert "warning" in {event.type for event in events}


async def test_a_blocked_query_never_leaves(build: Build) -> None:
    search = ScriptedSearch()
    reasoner = ScriptedReasoner(understanding=Understanding(summary="cats", queries=("secret cats",), count=1))
    world = await build({Stage.TOOL_CALL: BlockOn("secret", "privacy")}, reasoner=reasoner, search=search)
    await world.run(Brief(prompt="cats", n=1))
    assert search.queries == []


async def test_an_attached_document_is_read_and_an_image_is_edited(build: Build) -> None:
    world = await build()
    photo = await world.store.blobs.put(b"photo bytes")
    notes = await world.store.blobs.put(b"some notes")
    brief = Brief(
        prompt="make it red",
        n=1,
        attachments=(Attachment(ref=photo, name="photo.png", media_type="image/png", kind="image"),),
    )
    result, events = await world.run(brief)
    assert result.status == "delivered"
    assert events[0].mode == "edit"
    document = Attachment(ref=notes, name="notes.txt", media_type="text/plain", kind="document")
    result, events = await world.run(Brief(prompt="a poster of my notes", n=1, attachments=(document,)))
    assert [event.title for event in events if event.type == "source"] == ["notes.txt"]


async def test_review_waits_for_a_human_and_goes_on_either_way(build: Build) -> None:
    review = ScriptedModerator(lambda _: found("privacy", 0.6, Decision.REVIEW))
    for approve, end in ((True, "delivered"), (False, "refused")):
        world = await build({Stage.PROMPT: review}, human_review=True)
        result, events = await world.run(Brief(prompt="cats", n=1))
        assert result.status == "suspended"
        assert "suspended" in {event.type for event in events}
        assert world.generator.requests == []
        result, _ = await world.go_on(result.run_id, answer={"approve": approve, "reviewer": "ada"})
        assert result.status == end


async def test_review_blocks_where_no_human_is_configured(build: Build) -> None:
    world = await build({Stage.PROMPT: ScriptedModerator(lambda _: found("privacy", 0.6, Decision.REVIEW))})
    result, _ = await world.run(Brief(prompt="cats", n=1))
    assert result.status == "refused"


async def test_a_refusal_does_not_poison_the_next_run(build: Build) -> None:
    world = await build({Stage.PROMPT: BlockOn("dragon", "hate")})
    refused, _ = await world.run(Brief(prompt="a dragon", n=1))
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert (refused.status, result.status) == ("refused", "delivered")
