"""Clients in Python, unchanged, against a server that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Served

pytestmark = pytest.mark.slow
PROMPT = "A poster about honey bees, 256x256"


def test_langchain(served: Served) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="safelight-instant", base_url=served.v1, api_key="none", max_retries=0)
    assert "![" in str(model.invoke(PROMPT).content)
    chunks = [str(chunk.content) for chunk in model.stream(PROMPT)]
    assert "![" in "".join(chunks)


def test_langchain_on_the_responses_api(served: Served) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model="safelight-instant", base_url=served.v1, api_key="none", max_retries=0, use_responses_api=True
    )
    answer = model.bind_tools([{"type": "image_generation", "size": "256x256"}]).invoke("A poster about honey bees")
    assert any(block["type"] == "image" for block in answer.content_blocks)


async def test_openai_agents(served: Served) -> None:
    from agents import Agent, ImageGenerationTool, OpenAIResponsesModel, RunConfig, Runner
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=served.v1, api_key="none", max_retries=0)
    tool = ImageGenerationTool(tool_config={"type": "image_generation", "size": "256x256"})
    agent = Agent(name="artist", model=OpenAIResponsesModel("safelight-instant", client), tools=[tool])
    done = await Runner.run(agent, "A poster about honey bees", run_config=RunConfig(tracing_disabled=True))
    assert done.final_output
    assert any(getattr(item.raw_item, "type", "") == "image_generation_call" for item in done.new_items)
    await client.close()


def test_llm(served: Served, tmp_path: Path) -> None:
    model = {"model_id": "safelight", "model_name": "safelight-instant", "api_base": served.v1, "api_key_name": "none"}
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([model]))
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "safelight", PROMPT, "--key", "none"],
        env=os.environ | {"LLM_USER_PATH": str(tmp_path)}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "![" in done.stdout
