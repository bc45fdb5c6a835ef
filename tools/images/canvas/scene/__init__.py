"""Composed vector scenes: a place, a light, a subject, and what it is all made of."""

from .compose import Picture, picture

__all__ = ["Picture", "picture"]
