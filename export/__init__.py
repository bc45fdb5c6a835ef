"""Writes a finished run to a folder: images, `run.json`, and a contact sheet."""

from __future__ import annotations

from .folder import check_folder, export_run
from .page import render_page

__all__ = ["check_folder", "export_run", "render_page"]
