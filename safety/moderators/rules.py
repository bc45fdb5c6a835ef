"""A small reviewed lexicon (`rules.yaml`) for what must not depend on a classifier: names with verbs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ...errors import ConfigError

__all__ = ["Hit", "Rule", "Rules", "shipped_rules"]

_WINDOW = 600  # characters: what a rule combines must stand close together
_STRIDE = 400


@dataclass(frozen=True)
class Rule:
    """Finds `policy` where every pattern of `every` and none of `unless` occurs in one passage."""

    policy: str
    category: str
    score: float
    every: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Hit:
    """A rule that holds, and the words that made it hold."""

    rule: Rule
    quote: str


class Rules:
    """`find(text)` yields a hit a rule, at its first passage. Linear in the text."""

    def __init__(self, rules: tuple[Rule, ...], terms: Mapping[str, re.Pattern[str]]) -> None:
        self.rules = rules
        self.terms = terms

    @classmethod
    def parse(cls, text: str) -> Rules:
        """Rules from YAML. Raises ConfigError."""
        try:
            given = yaml.safe_load(text)
            terms = {name: re.sub(r"\|\s+", "|", str(pattern).strip()) for name, pattern in given["terms"].items()}
            rules = tuple(_rule(entry, terms) for entry in given["rules"])
            return cls(rules, {name: _compiled(pattern) for name, pattern in terms.items()})
        except (KeyError, TypeError, ValueError, re.error, yaml.YAMLError) as error:
            raise ConfigError(f"the moderators' rules cannot be read: {error}") from error

    def find(self, text: str) -> Iterator[Hit]:
        passages = [
            text[start : start + _WINDOW] for start in range(0, max(1, len(text) - (_WINDOW - _STRIDE)), _STRIDE)
        ]
        for rule in self.rules:
            for passage in passages:
                found = [pattern.search(passage) for pattern in rule.every]
                if all(found) and not any(pattern.search(passage) for pattern in rule.unless):
                    words = dict.fromkeys(match[0].strip() for match in found if match is not None)
                    yield Hit(rule, " … ".join(words))
                    break


@cache
def shipped_rules() -> Rules:
    """The rules that come with the package, read once."""
    return Rules.parse((resources.files(__package__) / "rules.yaml").read_text(encoding="utf-8"))


def _rule(entry: dict[str, Any], terms: Mapping[str, str]) -> Rule:
    def patterns(key: str) -> tuple[re.Pattern[str], ...]:
        return tuple(_compiled(_expanded(str(pattern), terms)) for pattern in entry[key])

    score = float(entry["score"])
    if not 0 < score <= 1 or not entry["all"]:
        raise ValueError(f"a rule for {entry['policy']} needs patterns and a score within 0 and 1")
    return Rule(str(entry["policy"]), str(entry["category"]), score, patterns("all"), patterns("none"))


def _expanded(pattern: str, terms: Mapping[str, str]) -> str:
    for name, term in terms.items():
        pattern = pattern.replace("{" + name + "}", f"(?:{term})")
    return pattern


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)
