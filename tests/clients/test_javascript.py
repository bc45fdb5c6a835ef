"""Clients in JavaScript, unchanged, against a server that runs: OpenAI's own and Vercel's AI SDK."""

from __future__ import annotations

import pytest

from .conftest import Node

pytestmark = pytest.mark.slow


def test_openai(node: Node) -> None:
    seen = node.run("openai.mjs")
    assert {"safelight-thinking", "safelight-instant"} <= set(seen["models"])
    assert seen["image"] > 1000
    assert seen["edited"] > 1000
    assert seen["streamed"][-1] == "image_generation.completed"
    assert "![" in seen["chat"]
    assert seen["status"] == "completed"
    assert "image_generation_call" in seen["output"]
    assert seen["output"][-1] == "message"
    assert seen["events"][0] == "response.created"
    assert seen["events"][-1] == "response.completed"
    assert seen["flagged"] is False
    assert seen["blocked"] == {"status": 400, "code": "moderation_blocked"}


def test_the_ai_sdk(node: Node) -> None:
    seen = node.run("ai-sdk.mjs")
    assert "![" in seen["text"]
    assert seen["reasoning"]
    assert "text-delta" in seen["parts"]
    assert "finish" in seen["parts"]
    assert "error" not in seen["parts"]
    assert seen["images"] == ["image/png", "image/png"]
