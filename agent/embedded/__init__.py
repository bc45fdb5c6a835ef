"""The reasoner that needs no language model."""

from .reasoner import EmbeddedReasoner
from .replan import Earlier, Recall

__all__ = ["Earlier", "EmbeddedReasoner", "Recall"]
