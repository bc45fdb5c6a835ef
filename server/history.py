"""What an earlier run adds to a conversation: only what was carried out, never what was refused."""

from __future__ import annotations

from ..agent.brief import Turn
from ..graphs.result import RunResult
from ..store import RunRecord
from .auth import Caller
from .state import ServerState

__all__ = ["turns_after", "turns_of"]

_MOST_TURNS = 24


async def turns_of(server: ServerState, caller: Caller, run_id: str) -> tuple[Turn, ...]:
    """The conversation up to and with that run. One that was refused or not finished adds nothing to it."""
    return turns_after(await server.runs.owned(run_id, caller))


def turns_after(record: RunRecord) -> tuple[Turn, ...]:
    """The same, of a run that is known to be the caller's."""
    earlier = tuple(Turn.model_validate(turn) for turn in record.brief.get("turns", ()))
    if record.status not in {"delivered", "partial"} or not record.result:
        return earlier
    result = RunResult.model_validate(record.result)
    images = [image for image in result.images if image.ref]
    given = [item for item in record.brief.get("attachments", ()) if item["kind"] == "image"]
    asked = Turn(
        role="user",
        text=_asked(record, result),
        images=tuple(item["ref"] for item in given),
        manifests={item["ref"]: item["manifest"] for item in given if item.get("manifest")},
    )
    made = Turn(
        role="assistant",
        text="\n".join(image.title for image in images if image.title),
        images=tuple(image.ref for image in images),
    )
    return (*earlier, asked, made)[-_MOST_TURNS:]


def _asked(record: RunRecord, result: RunResult) -> str:
    """The request as it was carried out: after a safe completion the rewritten one, never what was rewritten."""
    rewritten = [change["prompt"] for change in result.rewritten if change.get("image") is None and "prompt" in change]
    return str(rewritten[-1] if rewritten else record.brief.get("prompt", ""))
