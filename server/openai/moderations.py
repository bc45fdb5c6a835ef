"""`/v1/moderations`: the safety stack in OpenAI's shape, its own policies beside their categories."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ...safety.content import Content, ImagePart, Part, Stage, TextPart
from ...safety.verdict import Decision, Verdict
from ..asking import Inputs
from ..auth import Caller, allowed
from ..errors import bad_request, busy
from ..state import Server, ServerState

__all__ = ["CATEGORIES", "router"]

router = APIRouter(prefix="/v1/moderations", tags=["openai"])

MODEL = "safelight-moderation"
_MOST = 32

CATEGORIES: dict[str, tuple[str, ...]] = {
    "harassment": ("harassment", "privacy"),
    "harassment/threatening": (),
    "hate": ("hate", "extremism"),
    "hate/threatening": (),
    "illicit": ("illegal_acts", "illicit_weapons", "bio_chem", "deception_deepfake"),
    "illicit/violent": ("illicit_weapons", "bio_chem"),
    "self-harm": ("self_harm",),
    "self-harm/intent": (),
    "self-harm/instructions": (),
    "sexual": ("sexual", "sexual_minors"),
    "sexual/minors": ("sexual_minors",),
    "violence": ("violence_graphic", "shocking", "extremism"),
    "violence/graphic": ("violence_graphic", "shocking"),
}
"""OpenAI's categories, and which of our policies speak for each. Finer ones that no policy tells apart stay empty."""


_SEEN = {"self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic"}
"""What OpenAI's clients expect to be judged in images, too. What else was is in `safelight`."""


class ModerationRequest(BaseModel):
    """Text, several texts (a result each), or parts of text and images (one result for all)."""

    model_config = ConfigDict(extra="allow")

    input: str | list[str] | list[dict[str, Any]]
    model: str | None = None


class ModerationResult(BaseModel):
    """One verdict. `safelight` holds it as the stack gave it: decision, policies with scores, what nobody checked."""

    model_config = ConfigDict(populate_by_name=True)

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text", "image"]]]
    safelight: dict[str, Any]


class Moderation(BaseModel):
    """The verdicts in order."""

    id: str
    model: str
    results: list[ModerationResult] = Field(default_factory=list)


@router.post("")
async def moderate(
    body: ModerationRequest, server: Server, caller: Annotated[Caller, Depends(allowed("moderate"))]
) -> Moderation:
    """What the safety stack says of texts and images, as it would of a prompt. Nothing of them is kept."""
    contents = await _contents(body, server, caller)
    results = [_result(await server.assembly.stack.judge(content)) for content in contents]
    return Moderation(id=f"modr-{uuid4().hex}", model=MODEL, results=results)


async def _contents(body: ModerationRequest, server: ServerState, caller: Caller) -> list[Content]:
    given = body.input
    if isinstance(given, str):
        given = [given]
    if not given or len(given) > _MOST:
        raise bad_request(f"Between one and {_MOST} inputs are judged at once.", param="input")
    texts = [each for each in given if isinstance(each, str)]
    if texts:
        return [Content.of_text(Stage.PROMPT, text) for text in texts]
    inputs = Inputs(server, caller)
    return [Content(Stage.PROMPT, tuple([await _part(each, inputs) for each in given if isinstance(each, dict)]))]


async def _part(part: dict[str, Any], inputs: Inputs) -> Part:
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return TextPart(part["text"])
    url = part.get("image_url")
    url = url.get("url") if isinstance(url, dict) else url
    if part.get("type") != "image_url" or not isinstance(url, str):
        raise bad_request("An input part is a text, or an image_url with its url.", param="input")
    data, media_type = await inputs.pixels(url, param="input")
    return ImagePart(data, media_type)


def _result(verdict: Verdict) -> ModerationResult:
    if verdict.failed:
        raise busy(f"It could not be checked: {verdict.reason}.", 5, status=503, code="moderation_unavailable")
    scores: dict[str, float] = {}
    flagged = set()
    for finding in verdict.findings:
        scores[finding.policy] = max(scores.get(finding.policy, 0.0), finding.score)
        if finding.decision is not Decision.ALLOW:
            flagged.add(finding.policy)
    checked = {name: _checked(name, policies, verdict) for name, policies in CATEGORIES.items()}
    return ModerationResult(
        flagged=not verdict.allowed,
        categories={name: bool(flagged & set(policies)) for name, policies in CATEGORIES.items()},
        category_scores={
            name: max((scores.get(policy, 0.0) for policy in policies), default=0.0)
            for name, policies in CATEGORIES.items()
        },
        category_applied_input_types=checked,
        safelight={
            "decision": verdict.decision.value,
            "policies": {policy: round(score, 4) for policy, score in sorted(scores.items())},
            "checked": sorted(verdict.checked),
            "not_checked": list(verdict.not_checked),
            "policy_version": verdict.policy_version,
        },
    )


def _checked(name: str, policies: tuple[str, ...], verdict: Verdict) -> list[Literal["text", "image"]]:
    """By which kinds of input somebody judged a category."""
    kinds: tuple[Literal["text", "image"], ...] = ("text", "image") if name in _SEEN else ("text",)
    return [kind for kind in kinds if any(f"{kind}:{policy}" in verdict.checked for policy in policies)]
