"""Open WebUI, a chat front end that many people use, driven in a browser: chat with thinking and images; its images.

It is some two gigabytes, so it is not among what tests install: SAFELIGHT_OPEN_WEBUI names the `open-webui` command of
an environment of its own (`python -m venv webui && webui/bin/pip install open-webui`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Error, Page, expect, sync_playwright

from .conftest import Served

COMMAND = os.environ.get("SAFELIGHT_OPEN_WEBUI")
CHROMIUM = os.environ.get("SAFELIGHT_CHROMIUM") or shutil.which("chromium")
_UP_SECONDS, _DRAWN_MS = 400, 200_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(COMMAND is None or CHROMIUM is None, reason="SAFELIGHT_OPEN_WEBUI names no Open WebUI"),
]


@pytest.fixture(scope="module")
def web_ui(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. It talks to the server, and to nobody else."""
    folder = tmp_path_factory.mktemp("webui")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(COMMAND), "serve", "--host", "127.0.0.1", "--port", str(port)],
            env=_environment(served.v1, folder), cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _UP_SECONDS
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def _environment(base_url: str, folder: Path) -> dict[str, str]:
    switches = {
        "WEBUI_AUTH": "false", "ENABLE_OLLAMA_API": "false", "ENABLE_VERSION_UPDATE_CHECK": "false",
        "ENABLE_TITLE_GENERATION": "false", "ENABLE_TAGS_GENERATION": "false",
        "ENABLE_FOLLOW_UP_GENERATION": "false", "ENABLE_PERSISTENT_CONFIG": "false",
        "ENABLE_OPENAI_API": "true", "ENABLE_IMAGE_GENERATION": "true", "OFFLINE_MODE": "true", "HF_HUB_OFFLINE": "1",
        "SCARF_NO_ANALYTICS": "true", "DO_NOT_TRACK": "true", "ANONYMIZED_TELEMETRY": "false",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | switches | {
        "DATA_DIR": str(folder / "data"), "WEBUI_SECRET_KEY": "test", "OPENAI_API_BASE_URL": base_url,
        "OPENAI_API_KEY": "none", "IMAGE_GENERATION_ENGINE": "openai", "IMAGES_OPENAI_API_BASE_URL": base_url,
        "IMAGES_OPENAI_API_KEY": "none", "IMAGE_GENERATION_MODEL": "safelight-instant", "IMAGE_SIZE": "512x512",
        "RAG_EMBEDDING_ENGINE": "openai", "RAG_OPENAI_API_BASE_URL": base_url, "RAG_OPENAI_API_KEY": "none",
        "AUDIO_STT_ENGINE": "openai",
    }  # fmt: skip


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
def page(web_ui: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        opened = browser.new_page()
        opened.goto(f"{web_ui}/?models=safelight-thinking")
        opened.locator("#chat-input").wait_for(timeout=60_000)
        _dismiss_news(opened)
        yield opened
        browser.close()


def _dismiss_news(page: Page) -> None:
    """What is new in this release is shown once, over the page; not always."""
    try:
        page.get_by_role("button", name="Okay, Let's Go!").click(timeout=5_000)
    except Error:
        return


def test_a_chat_shows_what_is_thought_and_made(page: Page) -> None:
    page.locator("#chat-input").click()
    page.keyboard.type("A poster about honey bees, 512x512, one image")
    page.keyboard.press("Enter")
    answer = page.locator(".chat-assistant").last
    picture = answer.locator('img[src*="/v1/files/"]')
    picture.wait_for(timeout=_DRAWN_MS)
    expect(answer).to_contain_text("Thought")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 512


def test_its_own_images_are_made_by_the_server(page: Page, web_ui: str) -> None:
    headers = {"authorization": f"Bearer {page.evaluate('localStorage.token')}"}
    made = page.request.post(
        f"{web_ui}/api/v1/images/generations",
        headers=headers,
        data={"prompt": "A poster about honey bees"},
        timeout=_DRAWN_MS,
    )
    assert made.status == 200, made.text()
    image = page.request.get(web_ui + made.json()[0]["url"], headers=headers)
    assert image.body().startswith(b"\x89PNG")
