"""The reasoner that needs no language model."""

from .reasoner import EmbeddedReasoner

__all__ = ["EmbeddedReasoner"]
