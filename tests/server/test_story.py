"""A run's story: the same from any point on, and nothing to be seen before the set has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from safelight.events import Event, parse_event
from safelight.server.pages.story import Story, web_address

SPEC = {"title": "Lantern", "subject": "lantern", "role": "close_up", "size": {"width": 640, "height": 800},
        "items": [], "instruction": "", "prompt": "A lantern", "alt": "A lantern"}  # fmt: skip
REF = f"sha256:{'a' * 64}"


def told(*bodies: dict[str, Any]) -> list[Event]:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    return [
        parse_event({"run_id": "run_1", "seq": seq, "at": (start + timedelta(seconds=seq)).isoformat(), **body})
        for seq, body in enumerate(bodies)
    ]


def verdict(stage: str, decision: str = "allow", image: int | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "verdict", "stage": stage, "decision": decision, "image": image, **more}


def plan(count: int) -> dict[str, Any]:
    return {"type": "plan", "plan": {"intent": "Lanterns", "images": [{**SPEC, "index": n} for n in range(count)]}}


BEGINNING = ({"type": "run.started", "mode": "thinking", "n": 2}, verdict("prompt"), plan(2))
MADE = {"type": "image.finished", "image": 0, "ref": REF, "media_type": "image/png", "width": 640, "height": 800}


def test_a_frame_goes_from_card_to_print_and_shows_its_image_only_then() -> None:
    events = told(
        *BEGINNING,
        {"type": "image.started", "image": 0, "of": 2},
        verdict("generator_output", image=0),
        MADE,
        {"type": "image.blocked", "image": 1, "stage": "generator_output", "policies": ["hate"], "reason": "Blocked."},
        {"type": "delivered", "images": [REF, None]},
    )
    states = [[frame.state for frame in Story.told("run_1", events[:length]).sheet] for length in range(3, 9)]
    assert [state[0] for state in states] == ["planned", "exposing", "judging", "fixed", "fixed", "print"]
    assert states[-1][1] == "gap"
    for length in range(8):
        assert not any(frame.ref for frame in Story.told("run_1", events[:length]).sheet)


def test_the_steps_say_where_a_run_stands_stopped_or_waits() -> None:
    def at(*bodies: dict[str, Any]) -> tuple[str, str]:
        story = Story.told("run_1", told(*bodies))
        return next(((step.name, step.state) for step in story.steps if step.state in {"now", "stopped"}), ("", "done"))

    refused = {"type": "refused", "policies": ["hate"], "reason": "Blocked.", "offer": []}
    finished = {"type": "run.finished", "result": {}}
    assert at(BEGINNING[0]) == ("Brief", "now")
    assert at(*BEGINNING[:2]) == ("Thought", "now")
    assert at(*BEGINNING) == ("Exposure", "now")
    assert at(BEGINNING[0], {**refused, "stage": "prompt"}, {**finished, "status": "refused"}) == ("Brief", "stopped")
    assert at(*BEGINNING, {**refused, "stage": "image_set"}, {**finished, "status": "refused"}) == ("Set", "stopped")
    waits = {"type": "suspended", "stage": "plan", "policies": ["hate"]}
    assert at(*BEGINNING[:2], waits, {**finished, "status": "suspended"}) == ("Plan", "now")
    assert at(*BEGINNING, {**finished, "status": "delivered"}) == ("", "done")


def test_what_passed_of_the_research_is_counted_and_the_rest_stands_for_itself() -> None:
    story = Story.told(
        "run_1",
        told(
            BEGINNING[0],
            *[verdict("tool_result", seconds=seconds) for seconds in (0.1, 0.4, 0.2)],
            verdict("tool_result", "block", policies=["injection"]),
        ),
    )
    assert [(row.subject, row.seconds) for row in story.rows] == [("3 finds", 0.4), ("what was found", 0.0)]


def test_offers_that_are_no_prompts_become_prompts() -> None:
    story = Story("run_1", "A lantern")
    shown = story.offers(("A poster.", "Thinking mode can rewrite this.", "The same request again, later: …"))
    assert [(offer.prompt, offer.mode) for offer in shown] == [
        ("A poster.", ""), ("A lantern", "thinking"), ("A lantern", "")
    ]  # fmt: skip


def test_only_web_addresses_are_links() -> None:
    assert web_address("https://example.org/a") == "https://example.org/a"
    for odd in ("javascript:alert(1)", "attachment:notes.txt", "http://[bad", "", "data:text/html,x"):
        assert web_address(odd) == ""
