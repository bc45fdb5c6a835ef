"""The pages that a person uses: studio, runs, verification, graphs and the reviewer's table.

Everything is rendered here and works without a script; scripts add streaming, dropping and brushing. The application
includes `router` before its API: where both answer at one address, a browser that asks for HTML gets the page.
"""

from __future__ import annotations

from fastapi import APIRouter

from . import assets, downloads, editing, graphs, reference, review, runs, session, studio, verify
from .failures import error_page

__all__ = ["error_page", "router"]

router = APIRouter(include_in_schema=False)
for _part in (assets, studio, runs, downloads, editing, verify, graphs, reference, review, session):
    router.include_router(_part.router)
