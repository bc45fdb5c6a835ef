"""The one plug point of the safety stack."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .content import Content
from .verdict import Verdict

__all__ = ["Moderator"]


@runtime_checkable
class Moderator(Protocol):
    """Whatever can judge content.

    `moderate` may raise, hang or answer nonsense: the stack turns each of these into a block marked `failed`.
    A moderator that cannot judge some modality or policy leaves it out of `Verdict.checked`; it never passes it.
    """

    @property
    def name(self) -> str: ...

    async def moderate(self, content: Content) -> Verdict: ...
