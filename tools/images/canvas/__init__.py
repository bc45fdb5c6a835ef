"""Canvas: pictures by typesetting and vector drawing, where there is no image model or text must be right."""

from .canvas import HONEST_NOTE, Canvas

__all__ = ["HONEST_NOTE", "Canvas"]
