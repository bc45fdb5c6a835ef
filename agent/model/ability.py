"""What a service can do, found out by asking it and remembered per client and model.

Nothing is asked for the sake of probing: the first real question is put in the fullest form, and whatever the service
says it does not know is left out of it, once and for all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

__all__ = ["OPTIONS", "Ability", "known_ability", "learn_ability", "less"]

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


@dataclass(frozen=True)
class Ability:
    """How a model is asked: by which API, how its answer is held to the schema, streamed or not, without which options.

    `form`: `schema` strict JSON schema, `object` some JSON object, `text` anything; the last two are told the schema in words.
    """

    api: Literal["responses", "chat"] = "responses"
    form: Form = "schema"
    stream: bool = True
    without: frozenset[str] = frozenset()


_KNOWN: WeakKeyDictionary[Any, dict[str, Ability]] = WeakKeyDictionary()


def known_ability(client: Any, model: str) -> Ability:
    """What is known so far; everything, where nothing is."""
    return _KNOWN.get(client, {}).get(model, Ability())


def learn_ability(client: Any, model: str, ability: Ability) -> None:
    """Remember for as long as the client lives."""
    _KNOWN.setdefault(client, {})[model] = ability


def less(ability: Ability, *, status: int, code: str, param: str, message: str) -> Ability | None:
    """The next lesser ability after the service rejected a question; None where asking for less would not help.

    A model that does not exist, a bad key and a blocked request are no question of ability.
    """
    said = f"{param} {message}".lower()
    if code in {"model_not_found", "content_policy_violation", "invalid_prompt", "moderation_blocked"}:
        return None
    if status in {404, 405, 501}:
        names_model = param == "model" or ("model" in said and "not" in said and "url" not in said)
        return None if ability.api == "chat" or names_model else Ability(api="chat")
    if status not in {400, 422, 500}:
        return None
    for option in OPTIONS:
        if option in said and option not in ability.without:
            return replace(ability, without=ability.without | {option})
    if any(word in said for word in _FORM_WORDS) and ability.form != "text":
        return replace(ability, form=_FORMS[_FORMS.index(ability.form) + 1])
    if "stream" in said and ability.stream:
        return replace(ability, stream=False)
    if ability.api == "responses" and status != 500 and ("responses" in said or "unknown url" in said):
        return Ability(api="chat")
    return None
