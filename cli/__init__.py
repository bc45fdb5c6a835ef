"""The command line. Exit codes: 0 delivered, 1 failure, 2 usage or bad input, 3 refused, 4 delivered in part."""

from __future__ import annotations

from .app import app, main

__all__ = ["app", "main"]
