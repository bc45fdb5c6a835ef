"""One reading of a text, and how it was arrived at."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Form"]


@dataclass(frozen=True)
class Form:
    """A text as it may be read. `steps` names what was undone, in order (`("zero-width", "base64")`), empty for
    a text that is read as it stands."""

    text: str
    steps: tuple[str, ...] = ()

    @property
    def evidence(self) -> str:
        """The steps as a moderator quotes them: `zero-width → base64 → `, or nothing."""
        return "".join(f"{step} → " for step in self.steps)
