"""A language model as reasoner, over any service that speaks the Responses API or chat completions."""

from __future__ import annotations

from .reasoner import ModelReasoner

__all__ = ["ModelReasoner"]
