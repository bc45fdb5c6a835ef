"""What the recorder tells listeners: every verdict, but for a thought that passed, which is itself the event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from safelight.events import Event, VerdictGiven
from safelight.graphs.emitter import Emitter
from safelight.graphs.services import RunRecorder
from safelight.safety import Content, Decision, Stage, Verdict


class Ledger:
    """Takes everything."""

    async def verdict(self, **_: Any) -> None: ...

    async def effect(self, **_: Any) -> None: ...


@pytest.mark.parametrize(
    ("content", "decision", "told"),
    [
        (Content.of_text(Stage.PLAN, "Bees, then.", source="thought"), Decision.ALLOW, False),
        (Content.of_text(Stage.PLAN, "Bees, then.", source="thought"), Decision.BLOCK, True),
        (Content.of_text(Stage.PLAN, "Bees, then.", source="plan"), Decision.ALLOW, True),
        (Content(Stage.TOOL_RESULT, ()), Decision.ALLOW, True),  # a search that found nothing
    ],
)
async def test_which_verdicts_are_told(content: Content, decision: Decision, told: bool) -> None:
    events: list[Event] = []

    async def keep(event: Event) -> None:
        events.append(event)

    recorder = RunRecorder(Ledger())
    recorder.emitters["run"] = Emitter("run", first=0, clock=lambda: datetime.now(UTC), keep=keep)
    await recorder.verdict(run_id="run", content=content, verdict=Verdict(decision=decision, moderator="test"))
    assert [type(event) for event in events] == [VerdictGiven] * told
