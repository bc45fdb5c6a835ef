"""Moderators that allow, block on a word, follow a script, fail in every known way, or hang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, cast

from ..safety.content import Content
from ..safety.policy import Policy
from ..safety.verdict import Decision, Finding, Verdict

__all__ = [
    "AllowAll",
    "BlockOn",
    "FailingModerator",
    "Failure",
    "HangingModerator",
    "ScriptedModerator",
    "every_pair",
]

Failure = Literal[
    "raises",
    "exits",
    "cancels",
    "none",
    "prose",
    "bool",
    "dict",
    "nan",
    "shape",
    "subclass",
    "not_async",
    "generator",
    "says_failed",
]
"""The ways in which moderators are known to break. `prose` is a model's own refusal; `subclass` a Verdict that lies."""


def every_pair(policies: Iterable[Policy]) -> frozenset[str]:
    """All `<modality>:<policy>` pairs: what a moderator that checks everything puts into `Verdict.checked`."""
    return frozenset(f"{modality}:{policy.id}" for modality in ("text", "image") for policy in policies)


class AllowAll:
    """Allows everything. `checked` says which pairs it claims to have judged."""

    def __init__(self, checked: Iterable[str] = (), *, name: str = "allow_all") -> None:
        self.name = name
        self.checked = frozenset(checked)
        self.seen: list[Content] = []

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        return Verdict(decision=Decision.ALLOW, moderator=self.name, checked=self.checked)


class BlockOn:
    """Decides `decision` where `word` stands in any text, or in the bytes of any image; allows everything else."""

    def __init__(
        self,
        word: str,
        policy: str,
        *,
        decision: Decision = Decision.BLOCK,
        checked: Iterable[str] = (),
        name: str = "block_on",
    ) -> None:
        self.name = name
        self.seen: list[Content] = []
        self._word, self._policy, self._decision = word, policy, decision
        self._checked = frozenset(checked)

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        found = tuple(
            Finding(
                policy=self._policy,
                category=self._policy,
                score=1.0,
                decision=self._decision,
                moderator=self.name,
                evidence=self._word,
                part=index,
            )
            for index, part in enumerate(content.parts)
            if (self._word in part.text if hasattr(part, "text") else self._word.encode() in part.data)
        )
        decision = self._decision if found else Decision.ALLOW
        return Verdict(decision=decision, findings=found, moderator=self.name, checked=self._checked)


class ScriptedModerator:
    """Gives its verdicts in order, or what a function of the content says. Fails once the script is over."""

    def __init__(self, *script: Verdict | Decision | Callable[[Content], Verdict], name: str = "scripted") -> None:
        self.name = name
        self.seen: list[Content] = []
        self._script = list(script)

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        entry = self._script[0] if len(self._script) == 1 and callable(self._script[0]) else self._script.pop(0)
        if isinstance(entry, Verdict):
            return entry
        if isinstance(entry, Decision):
            return Verdict(decision=entry, moderator=self.name)
        return entry(content)


class _LyingVerdict(Verdict):
    @property
    def allowed(self) -> bool:
        return True


class FailingModerator:
    """Breaks, in one of the ways that `Failure` lists."""

    def __init__(self, kind: Failure, *, name: str = "failing") -> None:
        self.name = name
        self.kind = kind
        self.asked = 0

    def moderate(self, content: Content) -> Any:
        self.asked += 1
        if self.kind == "not_async":
            return Verdict(decision=Decision.ALLOW)
        if self.kind == "generator":
            return (Verdict(decision=Decision.ALLOW) for _ in range(1))
        return self._break()

    async def _break(self) -> Any:
        allow = Decision.ALLOW
        match self.kind:
            case "raises":
                raise RuntimeError("the moderator broke while reading: SECRET PROMPT")
            case "exits":
                raise SystemExit(1)
            case "cancels":
                raise asyncio.CancelledError
            case "says_failed":
                return Verdict(decision=allow, failed=True)
            case "subclass":
                return _LyingVerdict(decision=Decision.BLOCK)
            case "nan":
                finding = Finding.model_construct(
                    policy="hate", category="", score=float("nan"), decision=allow, moderator=self.name
                )
                return Verdict.model_construct(decision=allow, findings=(finding,))
            case "shape":
                return Verdict.model_construct(decision=cast("Decision", "allowed"), findings=cast("Any", "none"))
        answers: Mapping[str, Any] = {
            "none": None,
            "prose": "I'm sorry, I can't help with that.",
            "bool": True,
            "dict": {"decision": "allow"},
        }
        return answers[self.kind]


class HangingModerator:
    """Never answers. A `stubborn` one swallows its cancellation too, until `release` is called."""

    def __init__(self, *, stubborn: bool = False, name: str = "hanging") -> None:
        self.name = name
        self.cancelled = 0
        self._stubborn = stubborn
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    async def moderate(self, content: Content) -> Verdict:
        while True:
            try:
                await self._released.wait()
                return Verdict(decision=Decision.ALLOW, moderator=self.name)
            except asyncio.CancelledError:
                self.cancelled += 1
                if not self._stubborn:
                    raise
