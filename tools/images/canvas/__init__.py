"""Canvas: pictures by typesetting and vector drawing, for when there is no image model, and for text that must be right."""

from .canvas import HONEST_NOTE, Canvas

__all__ = ["HONEST_NOTE", "Canvas"]
