"""The reasoner that thinks with a language model, over any OpenAI-compatible service."""

from __future__ import annotations

from .asking import Asker, Effort, Patience, Usage
from .reasoner import ModelReasoner

__all__ = ["Asker", "Effort", "ModelReasoner", "Patience", "Usage"]
