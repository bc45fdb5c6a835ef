"""What the bundled lexicon (`agent/rewrites/`) knows of each policy: which words go, and what may take their place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from .embedded.words import WORD, alternation

__all__ = ["Craft", "Swap", "craft_for"]


@dataclass(frozen=True)
class Swap:
    """Words, and what is put in their place; after a `~`, a verb that takes the form of the one that was there."""

    pattern: re.Pattern[str]
    put: str


@dataclass(frozen=True)
class Craft:
    """How one policy's requests are made safe: its file in `agent/rewrites/`. `marks` is all that is swapped."""

    change: str
    least: int
    questions: bool  # whether a question whose words are swapped still asks something
    refuse_if: re.Pattern[str]
    swaps: tuple[Swap, ...]
    marks: re.Pattern[str]
    capitalized: dict[str, str] = field(default_factory=dict)
    frame: dict[str, str] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)


@cache
def craft_for(policy: str) -> Craft | None:
    """The craft of this policy; None where nothing is bundled for it."""
    entry = resources.files(f"{__package__}.rewrites") / f"{policy}.yaml"
    if not entry.is_file():
        return None
    raw: dict[str, Any] = yaml.safe_load(entry.read_text(encoding="utf-8"))
    swaps = [Swap(re.compile(rule["find"]), rule["put"]) for rule in raw.get("patterns", [])]
    marked: list[str] = []
    for language, rules in raw.get("swaps", {}).items():
        # Longer phrases first over all rules of a language: "how to make a bomb" before "bomb".
        for find, put in sorted(_phrases(rules), key=lambda item: -len(item[0])):
            swaps.append(Swap(re.compile(_alternation((find,), language), re.IGNORECASE), put))
            marked.append(_alternation((find,), language))
    return Craft(
        change=raw["change"],
        least=raw.get("least", 1),
        questions=raw.get("questions", False),
        refuse_if=re.compile(_any(raw.get("refuse_if", [])), re.IGNORECASE),
        swaps=tuple(swaps),
        marks=re.compile("|".join(marked) or "(?!)", re.IGNORECASE),
        capitalized=raw.get("capitalized", {}),
        frame=raw.get("frame", {}),
        instead=raw.get("instead", {}),
    )


def _phrases(rules: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(str(find), str(rule["put"] or "")) for rule in rules for find in rule["find"]]


def _alternation(words: tuple[str, ...], language: str) -> str:
    prefix = "(?:[وف]?(?:ال|لل|بال|ب|ل|ك)?)" if language == "ar" else ""
    if language in {"zh", "ja"}:
        return alternation(words, joined=True)
    return f"(?<!{WORD}-){alternation(words, prefix=prefix)}(?!-{WORD})"  # "real" is not in "real-time"


def _any(groups: list[Any]) -> str:
    words = [str(word) for group in groups for word in (group if isinstance(group, list) else [group])]
    joined = [word for word in words if re.search("[\u3040-\u30ff\u3400-\u9fff]", word)]
    spaced = [word for word in words if word not in joined]
    if not words:
        return "(?!)"
    return f"{alternation(spaced)}|{alternation(joined, joined=True)}"
