"""A real guard with scripted moderators: text that holds "bad" is blocked, at the input and at the output."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from typing_extensions import TypedDict

from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Content, Stage
from safelight.safety.guard import Effect, Guard, guard
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision, Verdict

SECRET = "raw-output-of-the-effect"


class State(TypedDict, total=False):
    prompt: str
    log: Annotated[list[str], operator.add]
    out: Annotated[list[Any], operator.add]


@dataclass(frozen=True)
class Context:
    run_id: str = "run-1"


@dataclass
class Words:
    """Blocks text with a banned word, and keeps what it was asked."""

    name: str = "words"
    banned: str = "bad"
    seen: list[str] = field(default_factory=list)

    async def moderate(self, content: Content) -> Verdict:
        text = " ".join(part.text for part in content.texts)
        self.seen.append(f"{content.stage}:{text}")
        decision = Decision.BLOCK if self.banned in text else Decision.ALLOW
        return Verdict(decision=decision, moderator=self.name)


@dataclass
class Bench:
    """The guard, its moderator, and the calls that reached the raw function."""

    guard: Guard
    words: Words
    calls: list[str] = field(default_factory=list)

    def effect(self, fn: Callable[[str], Any] | None = None) -> Effect[str, str]:
        async def shout(value: str) -> str:
            self.calls.append(value)
            if "fail" in value:
                raise RuntimeError(f"tool says {SECRET}")
            if "turns" in value:
                return f"{SECRET} bad"
            return f"{SECRET} {value}"

        return guard(
            fn or shout,
            name="shout",
            guard=self.guard,
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=lambda value: Content.of_text(Stage.TOOL_CALL, value),
            content_out=lambda output, _: Content.of_text(Stage.TOOL_RESULT, output),
        )


def make_bench() -> Bench:
    policies = PolicySet.load()
    words = Words()
    stack = SafetyStack(policies, {Stage.TOOL_CALL: words, Stage.TOOL_RESULT: words})
    office = ClearanceOffice({"k1": b"0" * 32}, "k1", policies.version)
    return Bench(Guard(stack, office), words)
