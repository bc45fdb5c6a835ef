"""Where the parts of a figure are, for those that are often labeled: a line then ends at the part that it names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import yaml

from ...spec import Item
from ..figures import Figure
from .frame import Sheet

__all__ = ["part_spots"]


@cache
def _table() -> dict[str, dict[str, tuple[float, float]]]:
    """Figure to word to place, on the figure's grid of 32 units."""
    raw = yaml.safe_load((files(__package__) / "parts.yaml").read_text(encoding="utf-8"))
    return {
        name: {str(word).casefold(): (x, y) for x, y, *words in rows for word in words} for name, rows in raw.items()
    }


def part_spots(sheet: Sheet, items: Sequence[Item]) -> list[tuple[float, float]]:
    """The place of each item's part on the subject's figure; empty unless every one of them is known."""
    if not sheet.subject or not isinstance(sheet.subject[0], Figure) or len(items) < 2:
        return []
    known = _table().get(sheet.subject[0].name, {})
    spots = [known.get(item.label.casefold().strip(" .:")) for item in items]
    return [spot for spot in spots if spot] if all(spots) else []
