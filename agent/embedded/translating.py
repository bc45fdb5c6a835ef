"""Says in another language what is written in advance in both: outlines, questions and greetings; nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ...tools.images.spec import ImageSpec, Item
from .bundled import listed, load
from .voice import LANGUAGES, voice
from .words import fold

__all__ = ["translated"]

_FIELDS = ("title", "subtitle", "caption", "quote")
_SEPARATOR = re.compile(r"(\s·\s|\s–\s|:\s)")  # of titles that were joined out of two


def translated(spec: ImageSpec, language: str) -> tuple[ImageSpec, tuple[str, ...]]:
    """The spec with every text that is known in `language` too, and those texts that are not, which stay."""
    table = _table(spec.language, language)
    left: list[str] = []

    def say(text: str) -> str:
        if not re.search(r"[^\W\d_]", text):
            return text
        if (whole := table.get(_key(text))) is not None:
            return whole
        pieces = _SEPARATOR.split(text)
        if len(pieces) > 1 and all(_key(piece) in table for piece in pieces[::2]):
            return "".join(piece if i % 2 else table[_key(piece)] for i, piece in enumerate(pieces))
        left.append(text)
        return text

    items = tuple(
        Item(label=say(item.label), detail=say(item.detail), icon=item.icon, value=item.value, source=item.source)
        for item in spec.items
    )
    changes: dict[str, Any] = {name: say(getattr(spec, name)) for name in _FIELDS}
    done = spec.model_copy(update={**changes, "items": items, "language": language})
    return done, tuple(dict.fromkeys(left))


def _key(text: str) -> str:
    return fold(" ".join(text.split())).casefold().rstrip(".。")


@cache
def _table(source: str, target: str) -> dict[str, str]:
    """Texts of one language to those of another, wherever both are bundled at the same place."""
    pairs: list[tuple[str, str]] = []
    for name in listed("topics"):
        texts = load(f"topics/{name}")["texts"]
        if source in texts and target in texts:
            pairs += zip(_leaves(texts[source]), _leaves(texts[target]), strict=False)
    if source in LANGUAGES and target in LANGUAGES:
        one, other = voice(source), voice(target)
        pairs += [(text, other.phrases[key]) for key, text in one.phrases.items() if key in other.phrases]
        pairs += [(text, other.greetings[key]) for key, text in one.greetings.items() if key in other.greetings]
        for key, lines in one.modules.items():
            pairs += zip(lines, other.modules.get(key, ()), strict=False)
    return {_key(text): said for text, said in pairs if "{" not in text}


def _leaves(texts: Any) -> Iterator[str]:
    if isinstance(texts, list):
        for each in texts:
            yield from _leaves(each)
    else:
        yield str(texts)
