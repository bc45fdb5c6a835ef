"""How it thinks: brief, research, safe completion, plan; and the reasoners that it thinks with."""

from __future__ import annotations

from .brief import Attachment, Brief, Turn
from .plan import Plan
from .reasoner import Fact, Reasoner, Research, Rewrite, Understanding

__all__ = [
    "Attachment",
    "Brief",
    "Fact",
    "Plan",
    "Reasoner",
    "Research",
    "Rewrite",
    "Turn",
    "Understanding",
]
