"""What an evaluation is made on: labeled prompts, one JSON object a line."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from importlib import resources
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..jsonl import read_distinct

__all__ = ["Case", "read_cases", "sample", "shipped_cases"]

_FIELDS = ("id", "prompt", "label", "category", "lang", "near")


class Case(BaseModel):
    """One labeled prompt. `category` is a policy's id, or `benign`; `near`, for a safe prompt, the policy that it sits
    next to (a near-miss twin), empty for a plainly benign one. `lang` is ISO 639-1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
    label: Literal["unsafe", "safe"]
    category: str = Field(min_length=1)
    lang: str = "en"
    near: str = ""

    @property
    def unsafe(self) -> bool:
        return self.label == "unsafe"


def shipped_cases() -> list[Case]:
    """The project's own prompts."""
    with resources.as_file(resources.files(__package__) / "prompts.jsonl") as path:
        return read_cases(path)


def read_cases(path: Path) -> list[Case]:
    """The cases of a JSONL file, in order. `lang` and `near` may be missing; other fields are ignored.

    Raises:
        BadFile: the file cannot be read, a line is no case, or an id stands there twice; the message names the line.
    """
    return list(read_distinct(path, _case, lambda case: case.id))


def sample(cases: Sequence[Case], limit: int | None, *, seed: int = 0) -> list[Case]:
    """At most `limit` cases: half unsafe, a quarter benign and a quarter near misses, as far as they last; unsafe ones
    and near misses spread evenly over categories.

    The same seed takes the same cases, and a smaller limit a subset of what a larger one takes.
    """
    if limit is None or limit >= len(cases):
        return list(cases)
    unsafe = iter(_spread([case for case in cases if case.unsafe], seed))
    benign = iter(_spread([case for case in cases if not case.unsafe and not case.near], seed))
    near = iter(_spread([case for case in cases if not case.unsafe and case.near], seed))
    taken: list[Case] = []
    for turn in cycle((unsafe, benign, unsafe, near)):
        taken += islice(turn, 1)
        if len(taken) == limit:
            return taken
    raise AssertionError("there are more cases than the limit")


def _spread(cases: Sequence[Case], seed: int) -> list[Case]:
    """The cases in an order that goes round the categories (of safe ones: what they are near)."""
    piles: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        piles[case.near or case.category].append(case)
    for name, pile in piles.items():
        random.Random(f"{seed}:{name}").shuffle(pile)  # noqa: S311 (reproducible, and no secret)
    longest = max(map(len, piles.values()), default=0)
    return [piles[name][turn] for turn in range(longest) for name in sorted(piles) if turn < len(piles[name])]


def _case(line: str) -> Case:
    try:
        row = json.loads(line)
        return Case.model_validate({name: row[name] for name in _FIELDS if row.get(name) is not None})
    except (ValueError, AttributeError) as error:
        fault = (
            "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            if isinstance(error, ValidationError)
            else "not a JSON object"
        )
        raise ValueError(
            f'no case ({fault}). A line is {{"id", "prompt", "label": "unsafe" | "safe", "category", "lang"}}.'
        ) from error
