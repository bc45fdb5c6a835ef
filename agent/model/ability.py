"""What a service can do, found out by asking it and remembered for as long as the process runs.

Nothing is asked for the sake of probing: the first real question is put in the fullest form, and whatever the service
says that it does not know is left out of it, once and for all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...services import ServiceFault

__all__ = ["OPTIONS", "Ability", "less", "unheld"]

Form = Literal["schema", "object", "text"]

OPTIONS = (
    "summary",
    "reasoning",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "stream_options",
    "max_completion_tokens",
    "max_output_tokens",
)
"""Parameters that a service may not know, in the order in which a complaint is matched to them."""

_FORMS: tuple[Form, ...] = ("schema", "object", "text")
_FORM_WORDS = ("text.format", "response_format", "json_schema", "json_object", "schema", "grammar", "structured output")
_IMAGE_WORDS = ("image", "vision", "multimodal", "mmproj")
_NOT_OF_ABILITY = {"model_not_found", "invalid_prompt", "context_length_exceeded"}


@dataclass(frozen=True)
class Ability:
    """How a model is asked: by which API, how its answer is held to the schema, streamed or not, without which options.

    `form`: `schema` strict JSON schema, `object` some JSON object, `text` anything; the last two are told the schema in
    words. `vision` is whether it is shown images.
    """

    api: Literal["responses", "chat"] = "responses"
    form: Form = "schema"
    stream: bool = True
    vision: bool = True
    without: frozenset[str] = frozenset()


def less(ability: Ability, fault: ServiceFault) -> Ability | None:
    """The next lesser ability after the service turned a question down; None where asking for less would not help.

    A model that does not exist, a bad key, a blocked request and an outage are no question of ability.
    """
    said = fault.said.lower()
    if fault.code in _NOT_OF_ABILITY or fault.kind not in {"no_such_model", "rejected", "unavailable"}:
        return None
    if fault.status in {404, 405, 501}:
        names_model = said.startswith("model ") or ("model" in said and "not" in said and "url" not in said)
        return None if ability.api == "chat" or names_model else replace(Ability(api="chat"), vision=ability.vision)
    if fault.status not in {400, 422, 500}:
        return None
    for option in OPTIONS:
        if option in said and option not in ability.without:
            return replace(ability, without=ability.without | {option})
    if any(word in said for word in _FORM_WORDS) and ability.form != "text":
        return replace(ability, form=_FORMS[_FORMS.index(ability.form) + 1])
    if any(word in said for word in _IMAGE_WORDS) and ability.vision:
        return replace(ability, vision=False)
    if "stream" in said and ability.stream:
        return replace(ability, stream=False)
    if ability.api == "responses" and fault.status != 500 and ("responses" in said or "unknown url" in said):
        return replace(Ability(api="chat"), vision=ability.vision)
    return None


def unheld(ability: Ability) -> Ability | None:
    """The next ability to try after an answer that was no JSON at all, though its schema was taken without complaint.

    Some servers take `text.format` of the Responses API and ignore it, and hold to `response_format` in chat. None
    where nothing was promised.
    """
    if ability.form != "schema":
        return None
    if ability.api == "responses":
        return replace(Ability(api="chat"), vision=ability.vision)
    return replace(ability, form="text")
