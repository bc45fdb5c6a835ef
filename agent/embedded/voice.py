"""The structural words that a plan may set, in the language of the brief."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .bundled import listed, load

__all__ = ["LANGUAGES", "Voice", "voice"]

LANGUAGES: tuple[str, ...] = listed("phrases")


@dataclass(frozen=True)
class Voice:
    """Phrases of one language. `language` is the one it really speaks: English where the one asked for is missing."""

    language: str
    phrases: dict[str, str]
    modules: dict[str, tuple[str, ...]]
    greetings: dict[str, str] = field(default_factory=dict)

    def say(self, key: str, **numbers: int) -> str:
        return self.phrases[key].format(**numbers)


@cache
def voice(language: str) -> Voice:
    """The phrases of `language`; those of English where there are none."""
    code = language if language in LANGUAGES else "en"
    raw: dict[str, Any] = load(f"phrases/{code}")
    return Voice(
        language=code,
        phrases={key: str(value) for key, value in raw.items() if isinstance(value, str)},
        modules={key: tuple(str(text) for text in texts) for key, texts in raw["modules"].items()},
        greetings={key: str(text) for key, text in raw.get("greetings", {}).items()},
    )
