"""Image models behind an OpenAI-compatible service."""

from .images import OpenAIImages
from .options import ImageOptions

__all__ = ["ImageOptions", "OpenAIImages"]
