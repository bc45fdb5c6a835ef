"""Runs on services that fail in every known way: what the user sees, what was billed, and that nothing uncleared left.

The real SDK speaks to the simulator over the wire; every request is counted there. The quick tests take one fault of a
kind, the slow ones all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from safelight.agent.brief import Brief
from safelight.client import Safelight
from safelight.config import Settings
from safelight.safety import Cascade, Stage
from safelight.safety.moderator import Moderator
from safelight.safety.moderators import OpenAIModeration, ReasoningMonitor
from safelight.safety.policy import PolicySet
from safelight.services import Endpoint, Retry, Service
from safelight.testing import AllowAll, ScriptedGenerator, every_pair
from safelight.tests.upstream import Simulator
from safelight.tools.images.openai import OpenAIImages

from .conftest import Build

GENERATE, MODERATE, CHAT = "images.generations", "moderations", "chat.completions"
BRIEF = Brief(prompt="cats", n=3, size="512x512")


@pytest.fixture
async def service(upstream: Simulator) -> AsyncIterator[Service]:
    endpoint = Endpoint("generator", base_url=upstream.url, seconds=4.0, deadline=30.0)
    opened = Service(endpoint, retry=Retry(deadline=30.0, backoff=0.01))
    client = opened.client()
    _ = client.images, client.moderations, client.chat.completions  # imported now, not within the first time limit
    yield opened
    await opened.aclose()


# For the second image of three: the fault, its further settings, requests for that image, words in the reason ("" for
# an image that came), and whether its end is unknown.
GENERATOR_FAULTS: list[tuple[str, dict[str, Any], int, str, bool]] = [
    ("429", {"times": 2, "retry_after": 0.02}, 3, "", False),
    ("429", {"times": 1}, 2, "", False),
    ("429", {}, 4, "limiting our rate", False),
    ("429_quota", {}, 1, "no quota left", False),
    ("500", {"times": 1}, 2, "", False),
    ("500", {}, 4, "not available", False),
    ("503", {}, 4, "not available", False),
    ("hang", {}, 1, "did not answer in time", True),
    ("drop", {}, 1, "dropped the connection", True),
    ("drop_mid", {}, 1, "", True),
    ("truncated", {}, 1, "", True),
    ("malformed", {}, 1, "not JSON", True),
    ("html", {}, 1, "HTML", True),
    ("nothing", {}, 1, "nothing at all", True),
    ("empty", {}, 1, "without an image", True),
    ("401", {}, 1, "refused our key", False),
    ("404", {}, 1, "does not know this model", False),
    ("400", {}, 1, "rejected the request", False),
]


QUICK = {"429_quota", "hang", "html", "refusal", "not_json"}


def sorted_by_pace(cases: list[Any]) -> list[Any]:
    """One case of a kind stays quick."""
    kinds = [case[0] if case[0] not in {MODERATE, CHAT} else case[1].replace("hang", "slow") for case in cases]
    return [
        case if kind in QUICK else pytest.param(*case, marks=pytest.mark.slow)
        for case, kind in zip(cases, kinds, strict=True)
    ]


@pytest.mark.parametrize(("fault", "how", "sent", "reason", "unknown"), sorted_by_pace(GENERATOR_FAULTS))
async def test_a_fault_of_the_generator_sinks_one_image_at_most(
    build: Build, upstream: Simulator, service: Service, fault: str, how: dict[str, Any], sent: int, reason: str,
    unknown: bool,
) -> None:  # fmt: skip
    upstream.fault(fault, endpoint=GENERATE, contains="(2 of 3)", **how)  # type: ignore[arg-type]
    world = await build(generator=OpenAIImages(service, "gpt-image-2.6-sunburst"))  # type: ignore[arg-type]
    result, events = await world.run(BRIEF)
    assert upstream.count(GENERATE) == 2 + sent
    if not reason and not unknown:
        assert result.status == "delivered"
    else:
        assert result.status == "partial"
        assert [image.index for image in result.images if image.gap is None] == [0, 2]
        gap = result.images[1].gap
        assert gap is not None
        assert (gap.stage, gap.policy) == ("generate", "")
        assert reason in gap.reason
        assert bool(gap.offer) == (fault not in {"429_quota", "400", "401", "404"})
    pending = await world.store.effects.pending(result.run_id)
    assert len(pending) == int(unknown)
    judged = {event.image for event in events if event.type == "verdict" and event.stage == "generator_output"}
    assert judged == {image.index for image in result.images if image.gap is None}
    await world.store.ledger.verify()


@pytest.mark.parametrize(("stage", "at"), [("input", "generator_input"), ("output", "generator_output")])
async def test_what_the_service_blocks_is_a_gap_that_says_why(
    build: Build, upstream: Simulator, service: Service, stage: str, at: str
) -> None:
    upstream.fault("moderation_blocked", endpoint=GENERATE, contains="(2 of 3)", stage=stage)
    spare = ScriptedGenerator(name="spare")
    world = await build(generator=OpenAIImages(service, "gpt-image-2.6-sunburst"), fallbacks=(spare,))  # type: ignore[arg-type]
    result, _ = await world.run(BRIEF)
    assert result.status == "partial"
    assert [image.index for image in result.images if image.gap is None] == [0, 2]
    gap = result.images[1].gap
    assert gap is not None
    assert (gap.stage, gap.policy) == (at, "violence_graphic")
    assert "safety system of gpt-image-2.6-sunburst" in gap.reason
    assert gap.offer
    assert upstream.count(GENERATE) == 3
    assert spare.requests == []
    assert await world.store.effects.pending(result.run_id) == []


async def test_a_generator_that_is_down_is_left_alone_after_a_while(
    build: Build, upstream: Simulator, service: Service
) -> None:
    """Its breaker opens, and the spare draws what is left, each image guarded anew."""
    upstream.fault("drop", endpoint=GENERATE)
    spare = ScriptedGenerator(name="spare")
    world = await build(generator=OpenAIImages(service, "gpt-image-2.6-sunburst"), fallbacks=(spare,))  # type: ignore[arg-type]
    for _ in range(3):
        result, _ = await world.run(Brief(prompt="cats", n=4))
        assert result.status == "delivered"
        assert {image.model for image in result.images} == {"spare"}
    assert upstream.count(GENERATE) < 12
    assert service.breaker.state == "open"


async def test_a_closed_door_is_noticed_at_once(build: Build) -> None:
    endpoint = Endpoint("generator", base_url="http://127.0.0.1:9/v1", attempts=2)
    nowhere = Service(endpoint, retry=Retry(attempts=2, backoff=0.01))
    world = await build(generator=OpenAIImages(nowhere, "m"))  # type: ignore[arg-type]
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    await nowhere.aclose()
    assert result.status == "failed"
    assert result.refusal is not None
    assert "cannot be reached" in result.refusal.reason
    assert await world.store.effects.pending(result.run_id) == []


MODERATOR_FAULTS = [
    "429_quota",
    "500",
    "hang",
    "drop",
    "drop_mid",
    "truncated",
    "malformed",
    "html",
    "nothing",
    "empty",
]
MONITOR_FAULTS = [*MODERATOR_FAULTS, "refusal", "content_filter", "length", "not_json"]


def everywhere(moderator: Moderator, policies: PolicySet, *, monitor: bool) -> dict[Stage, Moderator]:
    first = AllowAll(every_pair(policies))
    return dict.fromkeys(Stage, Cascade(policies, first, lambda _: moderator) if monitor else moderator)


@pytest.mark.parametrize(
    ("role", "fault"),
    sorted_by_pace([(MODERATE, fault) for fault in MODERATOR_FAULTS] + [(CHAT, fault) for fault in MONITOR_FAULTS]),
)
async def test_a_judge_that_fails_lets_nothing_through_and_nothing_is_generated(
    build: Build, upstream: Simulator, service: Service, role: str, fault: str
) -> None:
    upstream.answer({"json": {"decision": "allow", "findings": []}}, endpoint=CHAT)
    upstream.fault(fault, endpoint=role)  # type: ignore[arg-type]
    policies = PolicySet.load()
    judge: Moderator = OpenAIModeration(service, "omni", policies)
    if role == CHAT:
        judge = ReasoningMonitor(service, "gpt-6-luna", policies)
    world = await build(everywhere(judge, policies, monitor=role == CHAT))
    result, events = await world.run(BRIEF)
    assert result.status == "failed"
    assert result.refusal is not None
    assert (result.refusal.stage, result.refusal.failed) == ("prompt", True)
    assert "could not be checked" in result.refusal.reason
    assert world.generator.requests == []
    assert not {"thinking", "plan", "image.finished", "delivered"} & {event.type for event in events}


async def test_a_judge_that_fails_at_an_image_costs_that_image(
    build: Build, upstream: Simulator, service: Service
) -> None:
    upstream.fault("429_quota", endpoint=MODERATE, contains="image_url", times=1)
    policies = PolicySet.load()
    world = await build({Stage.GENERATOR_OUTPUT: OpenAIModeration(service, "omni", policies)})
    result, events = await world.run(BRIEF)
    assert result.status == "partial"
    (gap,) = [image.gap for image in result.images if image.gap]
    assert gap.stage == "generator_output"
    assert "could not be checked" in gap.reason
    assert gap.offer
    assert len(world.generator.requests) == 3
    finished = [event.image for event in events if event.type == "image.finished"]
    assert sorted(finished) == [image.index for image in result.images if image.gap is None]


async def test_a_picture_that_the_service_flags_never_leaves(
    build: Build, upstream: Simulator, service: Service
) -> None:
    """Flags in a prompt go into the simulator's picture; here the prompt's own judge is blind to them."""
    policies = PolicySet.load()
    world = await build(
        {Stage.GENERATOR_OUTPUT: OpenAIModeration(service, "omni", policies)},
        generator=OpenAIImages(service, "gpt-image-2.6-sunburst"),  # type: ignore[arg-type]
    )
    upstream.config.image.mode = "sized"  # so that the picture is passed on as it is
    result, events = await world.run(Brief(prompt="cats [[flag:sexual]]", n=2, size="512x512"))
    assert result.status == "refused"
    assert result.refusal is not None
    assert result.refusal.policies == ("sexual",)
    assert "image.finished" not in {event.type for event in events}


@pytest.mark.slow
async def test_a_whole_run_on_services_delivers_in_order_around_a_gap(upstream: Simulator, settings: Settings) -> None:
    """Everything real but the services: embedded moderators, a moderation service and a monitor judge; one of four
    images is blocked by the image service after it was made."""
    upstream.config.image.mode = "sized"
    upstream.fault("moderation_blocked", endpoint=GENERATE, contains="image 3 of 4", stage="output")
    upstream.answer({"json": {"decision": "allow", "findings": []}}, endpoint=CHAT)
    chosen = settings.model_copy(
        update={
            "generator": ("openai:gpt-image-2.6-sunburst", "canvas"),
            "moderator": ("embedded", "openai:omni-moderation-latest", "monitor:gpt-6-luna"),
            "generator_base_url": upstream.url,
            "moderator_base_url": upstream.url,
        }
    )
    prompt = "A four-part visual guide to how bread is baked, for a school kitchen"
    async with Safelight(chosen) as safelight:
        result = await safelight.run(Brief(prompt=prompt, n=4, size="512x512", account="ann"))
    assert result.status == "partial"
    assert [(image.index, image.model) for image in result.images] == [
        (0, "gpt-image-2.6-sunburst"),
        (1, "gpt-image-2.6-sunburst"),
        (2, ""),
        (3, "gpt-image-2.6-sunburst"),
    ]
    gap = result.images[2].gap
    assert gap is not None
    assert gap.stage == "generator_output"
    assert all(image.stamp is not None for image in result.images if image.gap is None)
    assert result.not_checked == (), "the monitor saw what the others cannot"
    assert upstream.count(GENERATE) == 4
    assert upstream.count(CHAT) == 6, "prompt, plan, three images, the set"
    identifiers = {call.body["safety_identifier"] for call in upstream.asked(GENERATE)}
    assert len(identifiers) == 1
    assert "ann" not in identifiers
