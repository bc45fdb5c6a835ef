"""Moderation and provenance over OpenAI's API, with OpenAI's own client."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from safelight.safety.policy import PolicySet
from safelight.server.openai.moderations import CATEGORIES


def test_every_policy_of_content_has_a_category() -> None:
    told = {policy for policies in CATEGORIES.values() for policy in policies}
    assert told == {policy.id for policy in PolicySet.load()} - {"injection", "ip_style"}


def test_text_is_judged(server: Any) -> None:
    client = server.client()
    answer = client.moderations.create(input=["A lantern", "A forbidden lantern"])
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.violence
    assert answer.results[1].category_scores.violence > 0.9
    assert not answer.results[1].categories.sexual
    assert client.moderations.create(input="A lantern").results[0].category_applied_input_types.hate == ["text"]


def test_images_are_judged_and_not_kept(server: Any) -> None:
    client = server.client()
    image: Any = client.images.generate(prompt="A lantern", size="256x256").data[0].b64_json
    url = f"data:image/png;base64,{image}"
    parts: Any = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": url}}]
    (result,) = client.moderations.create(input=parts).results
    assert not result.flagged
    assert result.category_applied_input_types.sexual == ["text", "image"]
    with pytest.raises(openai.BadRequestError):
        client.moderations.create(input=[{"type": "image_url", "image_url": {"url": "http://localhost/a.png"}}])


def test_an_image_of_ours_is_known(server: Any) -> None:
    client = server.client()
    made: Any = client.images.generate(prompt="A lantern", size="512x512").data[0]
    answer = client.content_provenance_checks.create(file=("a.png", base64.b64decode(made.b64_json), "image/png"))
    assert [result.type for result in answer.results] == ["c2pa", "synthid"]
    assert (answer.results[0].outcome, answer.results[0].validation_state) == ("detected", "valid")
    assert answer.safelight["verdict"] == "ours"
    assert answer.safelight["run_id"]
    with pytest.raises(openai.BadRequestError):
        client.content_provenance_checks.create(file=("a.png", b"nothing", "image/png"))
