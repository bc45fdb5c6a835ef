"""A monitor's answer, read strictly: exactly one well-formed verdict, or no verdict at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...content import Content
from ...policy import Policy
from ...verdict import Decision, Finding, Verdict, severest

__all__ = ["SCHEMA", "NoVerdict", "message_of", "verdict_in"]

_QUOTE = 160

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["decision", "findings"],
    "properties": {
        "decision": {"type": "string", "enum": ["allow", "rewrite", "block"]},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["policy", "score", "evidence", "part"],
                "properties": {
                    "policy": {"type": "string"},
                    "score": {"type": "number"},
                    "evidence": {"type": "string"},
                    "part": {"type": ["integer", "null"]},
                },
            },
        },
    },
}


class NoVerdict(Exception):
    """The answer is none. The message says what it was, and never quotes it."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Found(_Model):
    policy: str
    score: float = Field(ge=0, le=1, allow_inf_nan=False)
    evidence: str
    part: int | None


class _Answer(_Model):
    decision: Literal["allow", "rewrite", "block"]
    findings: list[_Found] = Field(max_length=64)


def message_of(answer: Mapping[str, Any]) -> str:
    """The text of the one message in a chat completion. Raises NoVerdict for a refusal, a cut-off or no text."""
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise NoVerdict("answered in another form than a chat completion")
    if message.get("refusal"):
        raise NoVerdict("refused to judge")
    if choice.get("finish_reason") == "content_filter":
        raise NoVerdict("was stopped by a content filter")
    if choice.get("finish_reason") not in {"stop", None}:
        raise NoVerdict("did not finish its answer")
    text = message.get("content")
    if not isinstance(text, str) or not text.strip():
        raise NoVerdict("gave an empty answer")
    return text


def verdict_in(text: str, content: Content, policies: Mapping[str, Policy], moderator: str) -> Verdict:
    """The verdict that a monitor's text amounts to, no milder than it says and than its scores mean at this stage.

    `checked` is left to the caller. Raises NoVerdict for anything but one complete, consistent answer.
    """
    answer = _read(text)
    said = Decision(answer.decision)
    parts = len(content.parts) + len(content.context)
    for found in answer.findings:
        if found.policy not in policies:
            raise NoVerdict("named a policy that it was not given")
        if found.part is not None and not 0 <= found.part < parts:
            raise NoVerdict("named a part that there is not")
    if said is not Decision.ALLOW and not answer.findings:
        raise NoVerdict(f"said {said.value} and named no policy")
    top = max((found.score for found in answer.findings), default=0.0)
    findings = tuple(
        Finding(
            policy=found.policy,
            category=found.policy,
            score=found.score,
            # What the monitor says as a whole rests on the finding that it is surest of.
            decision=severest(
                policies[found.policy].decide(content.stage, found.score, final=content.final),
                said if found.score == top else Decision.ALLOW,
            ),
            moderator=moderator,
            evidence=" ".join(found.evidence.split())[:_QUOTE],
            part=found.part if found.part is not None and found.part < len(content.parts) else None,
        )
        for found in answer.findings
    )
    decision = severest(said, *(finding.decision for finding in findings))
    return Verdict(decision=decision, findings=findings, moderator=moderator)


def _read(text: str) -> _Answer:
    try:
        answer = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise NoVerdict("did not answer with one JSON object and nothing else") from None
    try:
        return _Answer.model_validate(answer)
    except ValidationError:
        raise NoVerdict("answered with JSON of another form") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names nothing twice: which of two decisions would hold?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found
