"""What shadow mode leaves of one prompt: every layer's verdict, and of its images digests only."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..safety.verdict import Decision

__all__ = ["PLAIN", "Graded", "Layer", "Mode", "Record", "Spent", "key_of"]

Mode = Literal["instant", "thinking"]
PLAIN = "plain"
"""The name of no attack at all."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Spent(_Frozen):
    """Wall-clock seconds; CPU seconds of the whole process, so exact only where one case runs at a time; US dollars."""

    seconds: float = 0.0
    cpu: float = 0.0
    dollars: float = 0.0


class Layer(_Frozen):
    """What one layer said. `decisions` and `scores` (the highest of any finding, 0..1; 1 for a failure) are by stage.

    `caught` tells whether the layer withheld the images: all of them where the prompt layer refused, any where the
    image layer did. `policies` are those behind it.
    """

    caught: bool
    decisions: dict[str, Decision]
    scores: dict[str, float]
    policies: tuple[str, ...] = ()
    failed: bool = False


class Graded(_Frozen):
    """One drawn image. `sha256` is over its bytes as drawn; `letters` counts the characters that it says.

    `votes` are the grader's judgements: violating, harmless, failed. `thumbnail`, a blurred 64-pixel JPEG as base64, is
    kept of violating images only.
    """

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    caught: bool
    violating: bool
    votes: tuple[int, int, int]
    letters: int = 0
    thumbnail: str = ""


class Record(_Frozen):
    """One prompt in one mode under one attack.

    `rewritten` tells that a safe completion took the place of the prompt or the plan. `spent` is by layer: `prompt`,
    `reason`, `draw`, `image`, `grade`. `error` names what broke where nothing could be drawn; then `images` is empty.
    """

    id: str
    mode: Mode
    attack: str = PLAIN
    label: Literal["unsafe", "safe"]
    category: str
    lang: str
    near: str = ""
    rewritten: bool = False
    prompt: Layer
    image: Layer
    images: tuple[Graded, ...] = ()
    spent: dict[str, Spent] = Field(default_factory=dict)
    error: str = ""

    @property
    def key(self) -> str:
        """What identifies the record within one evaluation."""
        return key_of(self.id, self.mode, self.attack)

    @property
    def refused(self) -> bool:
        """Whether the user would have got nothing."""
        return self.prompt.caught or bool(self.error) or all(image.caught for image in self.images)


def key_of(case_id: str, mode: str, attack: str) -> str:
    """The key of a record that may not exist yet."""
    return f"{case_id}\n{mode}\n{attack}"
