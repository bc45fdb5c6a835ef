"""A moderation service: its categories under our policies, its gaps named, its faults blocks."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.safety.categories import OPENAI_CATEGORIES, policies_for
from safelight.safety.content import Content, ImagePart, Stage, TextPart
from safelight.safety.moderators import OpenAIModeration
from safelight.safety.policy import PolicySet
from safelight.safety.verdict import Decision
from safelight.tests.upstream import Simulator

from .conftest import picture


def text(*texts: str, stage: Stage = Stage.PROMPT) -> Content:
    return Content(stage, tuple(TextPart(each) for each in texts))


async def test_harmless_text_is_allowed_and_named_as_checked(upstream: Simulator, omni: OpenAIModeration) -> None:
    verdict = await omni.moderate(text("a cat", "a dog"))
    assert verdict.decision is Decision.ALLOW
    assert {"text:hate", "text:sexual_minors", "text:self_harm", "text:illicit_weapons"} <= verdict.checked
    assert "text:ip_style" not in verdict.checked
    assert not any(pair.startswith("image:") for pair in verdict.checked)
    assert upstream.count("moderations") == 1, "all texts go in one request"


@pytest.mark.parametrize("category", list(OPENAI_CATEGORIES))
async def test_every_category_counts_under_its_policy(omni: OpenAIModeration, category: str) -> None:
    verdict = await omni.moderate(text("fine", f"a thing [[flag:{category}]]"))
    found = {finding.policy: finding for finding in verdict.findings}
    finding = found[OPENAI_CATEGORIES[category]]
    assert finding.part == 1
    if category == "violence":  # depicted, not graphic: the mildest of decisions, if any
        assert verdict.decision in {Decision.ALLOW, Decision.REWRITE}
    else:
        assert verdict.decision is not Decision.ALLOW


async def test_a_picture_is_judged_by_itself_with_its_intent_beside_it(
    upstream: Simulator, omni: OpenAIModeration
) -> None:
    parts = (ImagePart(picture()), ImagePart(picture("sexual")))
    content = Content(Stage.GENERATOR_OUTPUT, parts, context=(TextPart("a poster", source="intent"),))
    verdict = await omni.moderate(content)
    assert verdict.decision is Decision.BLOCK
    assert [(each.policy, each.part) for each in verdict.findings if each.decision is Decision.BLOCK] == [("sexual", 1)]
    assert verdict.checked == {"image:sexual", "image:self_harm", "image:violence_graphic"}
    assert upstream.count("moderations") == 2
    sent = upstream.asked("moderations")[0].body["input"]
    assert [part["type"] for part in sent] == ["text", "image_url"]


async def test_long_text_is_judged_to_its_end(upstream: Simulator, omni: OpenAIModeration) -> None:
    verdict = await omni.moderate(text("word " * 9000 + "[[flag:hate]]"))
    assert verdict.policies == ("hate",)
    assert len(upstream.asked("moderations")[0].body["input"]) > 2


@pytest.mark.parametrize(
    ("fault", "asked"),
    [("429", 3), ("429_quota", 1), ("500", 3), ("hang", 3), ("drop", 3), ("drop_mid", 3), ("truncated", 3),
     ("malformed", 3), ("html", 3), ("nothing", 3), ("empty", 1), ("401", 1), ("404", 1), ("400", 1)],
)  # fmt: skip
async def test_a_service_that_fails_blocks_and_says_so(
    upstream: Simulator, omni: OpenAIModeration, fault: str, asked: int
) -> None:
    upstream.fault(fault, endpoint="moderations")  # type: ignore[arg-type]
    verdict = await omni.moderate(text("my secret"))
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed
    assert "cannot judge" in verdict.reason
    assert "secret" not in verdict.reason
    assert upstream.count("moderations") == asked


@pytest.mark.parametrize("scores", [{"hate": float("nan")}, {"hate": 1.2}, {"hate": "low"}, {"hate": True}, {}])
async def test_scores_that_are_none_are_no_verdict(
    omni: OpenAIModeration, monkeypatch: pytest.MonkeyPatch, scores: dict[str, Any]
) -> None:
    async def ask(*_: Any, **__: Any) -> dict[str, Any]:
        full = dict.fromkeys(OPENAI_CATEGORIES, 0.0)
        answer = {**full, **scores} if scores else {}
        return {"results": [{"category_scores": answer, "categories": dict.fromkeys(full, False)}]}

    monkeypatch.setattr(omni._service, "ask", ask)
    verdict = await omni.moderate(text("x"))
    assert verdict.failed


async def test_an_image_that_does_not_decode_blocks(upstream: Simulator, omni: OpenAIModeration) -> None:
    verdict = await omni.moderate(Content(Stage.GENERATOR_OUTPUT, (ImagePart(b"no image"),)))
    assert verdict.failed
    assert "could not be read" in verdict.reason


async def test_one_service_call_after_a_rate_limit_still_judges(upstream: Simulator, omni: OpenAIModeration) -> None:
    upstream.fault("429", endpoint="moderations", times=1, retry_after=0.01)
    assert (await omni.moderate(text("a cat"))).allowed


def test_the_mapping_names_policies_that_there_are(policies: PolicySet) -> None:
    assert set(OPENAI_CATEGORIES.values()) <= {policy.id for policy in policies}
    words = ("minors", "bio", "Violence", "copyright", "other", "public_figure")
    assert policies_for(words) == ("sexual_minors", "bio_chem", "violence_graphic", "ip_style", "deception_deepfake")
