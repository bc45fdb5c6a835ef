"""What LangGraph checkpoints: plain JSON, references instead of bytes, nothing uncleared.

State is not trusted on the way back: models are validated again on every read, and an effect takes a clearance for
its actual input, whatever the state says.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

__all__ = ["ImageTask", "RunState", "keep_order", "merge_images"]


def merge_images(known: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Later records replace earlier ones, image by image. A cleared image stays where its revision did not clear."""
    kept = dict(known)
    for index, record in new.items():
        before = known.get(index)
        if before is not None and before["status"] == "cleared" and record["status"] != "cleared":
            note = "A revision was tried, and not kept."
            kept[index] = {**before, "round": record["round"], "notes": list(dict.fromkeys([*before["notes"], note]))}
        else:
            kept[index] = record
    return kept


def keep_order(known: list[Any], new: list[Any]) -> list[Any]:
    """Append what is not there yet, so that a node that runs again after a kill adds nothing twice."""
    return [*known, *(item for item in new if item not in known)]


class RunState(TypedDict, total=False):
    """The state of one run.

    `brief` is the request in force (after a safe completion: the rewritten one). `images` maps the index, as text, to
    an image record: `{"status": "cleared"|"blocked"|"failed", …}`. `refusal` ends the run.
    """

    brief: dict[str, Any]
    prompt: dict[str, Any]  # the prompt guard's outcome: {"decision", "policies", "evidence", "stage"}
    understanding: dict[str, Any]
    hits: Annotated[list[dict[str, Any]], keep_order]
    documents: Annotated[list[dict[str, Any]], keep_order]  # {"ref", "title", "url"}: the text lies in the blobs
    search: Annotated[list[dict[str, Any]], keep_order]  # {"query", "provider", "ok"}
    research: dict[str, Any]
    follow_up: list[str]  # queries that what was read led to
    plan: dict[str, Any]
    estimate: dict[str, Any]
    anchor: int | None  # the image that is made first, and serves the others as a reference
    again: list[int]  # the images that are made once more
    images: Annotated[dict[str, dict[str, Any]], merge_images]
    round: int
    set_token: str
    rewritten: Annotated[list[dict[str, Any]], keep_order]
    not_checked: Annotated[list[str], keep_order]
    warnings: Annotated[list[str], keep_order]
    refusal: dict[str, Any]
    delivered: list[str | None]


class ImageTask(TypedDict):
    """The payload of one image's branch in the fan-out."""

    index: int
    round: int
    spec: dict[str, Any]
    style: dict[str, Any]
    intent: str
    format: str
    seed: int
    vector: NotRequired[str]  # the form of vector file that is asked for, and the record of the image that it is of
    record: NotRequired[dict[str, Any]]
    sources: list[list[str]]  # title and address of each public source that the image draws on
