"""Safe completions: the nearest request that serves the legitimate goal."""

from __future__ import annotations

from ..safety.policy import Policy
from .reasoner import Rewrite

__all__ = ["rewrite_text"]


def rewrite_text(text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...]) -> Rewrite:
    """Refuses with the policies' offers."""
    del text, evidence
    return Rewrite(prompt=None, offer=tuple(dict.fromkeys(item for policy in policies for item in policy.offer)))
