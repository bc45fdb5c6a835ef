"""The HTTP face. Nothing is served yet; the command line and the Python client are the ways in."""

from __future__ import annotations

__all__: list[str] = []
