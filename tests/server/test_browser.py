"""The pages in a real browser: typed, clicked, brushed and listened to, by pointer and by keys, with axe looking on.

Needs Chromium: `apt-get install chromium`, SAFELIGHT_CHROMIUM for one elsewhere, or `make browser`, which fetches
Playwright's own. Without any these are skipped, and `.ci/run` says so.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright


def _fetched() -> bool:
    """Whether Playwright has a Chromium of its own."""
    place = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    return any(Path(place).glob("chromium*/*/*"))


CHROMIUM = os.environ.get("SAFELIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
LOOKS = [(width, color) for width in WIDTHS for color in ("dark", "light")]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not _fetched(), reason="no Chromium is installed: apt-get install chromium, or make browser"
)
slow = pytest.mark.slow

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Browser, server: Any) -> Iterator[Open]:
    """Opens pages of the server; whatever the browser complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str, width: str = "desktop", color: str = "dark", **more: Any) -> Page:
        across, down = WIDTHS[width]
        context = browser.new_context(
            base_url=server.url, viewport={"width": across, "height": down}, color_scheme=color,
            reduced_motion="reduce", **more,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in complaints if "ERR_INTERNET_DISCONNECTED" not in text] == []


def accessible(page: Page) -> None:
    """No violation that axe can see, and nothing that sticks out sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def ask(page: Page, prompt: str, *, n: str = "2") -> None:
    page.get_by_label(re.compile("Your brief|Go on from here")).fill(prompt)
    page.get_by_label("Images", exact=True).select_option(n)
    page.get_by_role("button", name=re.compile("Make")).click()
    page.wait_for_url("**/runs/run_*")


def delivered(page: Page, count: int) -> None:
    expect(page.locator(".frame.is-print")).to_have_count(count, timeout=30_000)
    expect(page.locator(".meta .status")).to_have_text(re.compile("delivered|partial"))


def journey(page: Page, folder: Path) -> None:
    """From typing to downloaded images that are known again."""
    ask(page, "A slow lantern, in two pictures")
    expect(page.locator(".frame")).to_have_count(2, timeout=20_000)
    page.reload()
    accessible(page)
    delivered(page, 2)
    for image in page.locator(".frame img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        assert image.get_attribute("alt")
    accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download image 2").click()
    kept = folder / download.value.suggested_filename
    download.value.save_as(kept)
    page.get_by_role("link", name="Verify", exact=True).click()
    accessible(page)
    page.locator("input[type=file]").set_input_files(kept)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    expect(page.locator(".leg.is-match")).to_have_count(3)
    accessible(page)
    page.get_by_role("link", name="The run that made it").click()
    delivered(page, 2)


def test_from_typing_to_stamped_images_that_are_known_again(open_page: Open, tmp_path: Path) -> None:
    page = open_page("/")
    accessible(page)
    journey(page, tmp_path)


@slow
@pytest.mark.parametrize(("width", "color"), LOOKS[1:])
def test_the_journey_in_every_light_and_width(open_page: Open, tmp_path: Path, width: str, color: str) -> None:
    journey(open_page("/", width, color), tmp_path)


@slow
@pytest.mark.parametrize(("width", "color"), LOOKS)
def test_every_page_and_state_is_accessible(open_page: Open, width: str, color: str) -> None:
    page = open_page("/", width, color)
    for path in ("/", "/runs", "/verify", "/graphs", "/docs", "/review", "/session"):
        page.goto(path)
        accessible(page)
    for prompt, end in (("A forbidden lantern", "refused"), ("A gapped lantern", "partial"), ("Long, " * 400, "deliv")):
        page.goto("/")
        ask(page, prompt, n="3")
        expect(page.locator(".meta .status")).to_have_text(re.compile(end), timeout=30_000)
        accessible(page)
    page.goto("/runs")
    accessible(page)


def test_a_refusal_offers_prompts_that_one_click_takes_over(open_page: Open) -> None:
    page = open_page("/", "phone", "light")
    ask(page, "A forbidden lantern")
    offer = page.locator(".notice .prompt").first
    words = offer.inner_text()
    offer.click()
    asked = page.get_by_label("Ask for something else")
    expect(asked).to_have_value(words)
    expect(asked).to_be_focused()


def test_an_offer_that_is_taken_before_the_form_is_there_is_not_lost(open_page: Open) -> None:
    page = open_page("/")
    ask(page, "A forbidden lantern")
    asked = page.get_by_label("Ask for something else")
    expect(asked).to_be_visible()
    page.evaluate("form = document.getElementById('next'); form.remove()")
    offer = page.locator(".notice .prompt").first
    words = offer.inner_text()
    offer.click()
    page.evaluate("document.querySelector('.wall').append(form)")
    expect(asked).to_have_value(words)


def test_a_lost_connection_is_taken_up_again(open_page: Open) -> None:
    page = open_page("/")
    ask(page, "A slow lantern, far away", n="8")
    expect(page.locator(".frame")).to_have_count(8)
    page.context.set_offline(True)
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    delivered(page, 8)
    expect(page.get_by_label("Go on from here")).to_be_visible()


def test_a_mask_is_brushed_by_keys_and_by_pointer_and_goes_with_the_edit(open_page: Open) -> None:
    page = open_page("/")
    ask(page, "A paper lantern", n="1")
    page.get_by_role("link", name="Edit image 1").click()
    accessible(page)
    veil = page.locator("#veil")
    says = page.locator("#brush-says")
    veil.focus()
    for key in ("Shift+ArrowLeft", "+", "Space", "ArrowDown", "Space"):
        veil.press(key)
    expect(says).to_contain_text("percent is marked")
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("button", name="Clear").click()
    expect(says).to_contain_text("Nothing is marked")
    box = veil.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3, steps=4)
    page.mouse.up()
    expect(says).to_contain_text("percent is marked")
    page.get_by_label("How should it change?").fill("Make it warmer")
    page.get_by_role("button", name="Change it").click()
    page.wait_for_url(lambda url: "/edit" not in url)
    delivered(page, 1)
    run = page.request.get(page.url + "/record.json").json()
    assert [item["kind"] for item in run["brief"]["attachments"]] == ["image", "mask"]
    assert page.locator(".thread").inner_text().strip() == "A paper lantern"


@slow
def test_files_are_listed_and_can_be_taken_off_again(open_page: Open, tmp_path: Path) -> None:
    page = open_page("/")
    notes = tmp_path / "notes.txt"
    notes.write_text("Lanterns hold a light.")
    page.locator("#files").set_input_files(notes)
    expect(page.locator("#attached li")).to_have_text(re.compile(r"notes\.txt"))
    page.get_by_role("button", name="Remove notes.txt").click()
    expect(page.locator("#attached")).to_be_hidden()
    page.locator("#files").set_input_files(notes)
    ask(page, "A paper lantern", n="1")
    expect(page.locator(".attached")).to_contain_text("notes.txt")


@slow
def test_the_studio_works_without_scripts(open_page: Open) -> None:
    page = open_page("/", java_script_enabled=False)
    ask(page, "A slow lantern without scripts")
    delivered(page, 2)  # the page asks again every few seconds


@slow
def test_the_journey_with_the_models_that_are_shipped(browser: Browser, home: Path, tmp_path: Path) -> None:
    """Nothing scripted: the server as it is started by hand, thinking, drawing and judging for itself."""
    command = [sys.executable, "-m", "safelight.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            page = browser.new_page(base_url=address)
            page.set_default_timeout(60_000)
            page.goto("/")
            ask(page, "A two-part guide to the water cycle")
            expect(page.locator(".thoughts li").first).to_be_visible(timeout=60_000)
            expect(page.locator(".frame.is-print")).to_have_count(2, timeout=240_000)
            accessible(page)
            with page.expect_download() as download:
                page.get_by_role("link", name="Download image 1").click()
            download.value.save_as(tmp_path / "water.png")
            page.goto("/verify")
            page.locator("input[type=file]").set_input_files(tmp_path / "water.png")
            page.get_by_role("button", name="Look at it").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Ours", timeout=60_000)
            page.close()
        finally:
            process.terminate()
