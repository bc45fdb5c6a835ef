"""Which marks a page shows: figures where there are any, outline icons elsewhere, and never a mix in one row."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...spec import ImageSpec, Item
from ..brush import Mark
from ..figures import Figure, figures_in, find_figure
from ..icons import Icon, find, find_all

__all__ = ["cast", "figure_for", "icon_for", "marks_for"]


def icon_for(noun: str, label: str = "") -> Icon | None:
    """The icon that an item asks for, or one that its English label suggests."""
    return find(noun) or next(iter(find_all(label, 1)), None)


def figure_for(noun: str, label: str = "") -> Figure | None:
    """The figure that an item asks for, or one that its English label suggests."""
    named = find_figure(label)  # the label itself, where it is no more than a name
    return named or find_figure(noun) or next(iter([*figures_in(noun, 1), *figures_in(label, 1)]), None)


def marks_for(items: Sequence[Item], language: str) -> list[Mark | None]:
    """A mark for each item, all of one kind: figures where all have one, else outline icons where all have one, else
    whatever of the two more of them have, and none where that leaves gaps."""
    labels = [item.label if language == "en" else "" for item in items]
    figures = [figure_for(item.icon, label) for item, label in zip(items, labels, strict=True)]
    icons = [icon_for(item.icon, label) for item, label in zip(items, labels, strict=True)]
    distinct = len({figure.name for figure in figures if figure}) == len(figures)
    if all(figures) and (distinct or not all(icons)):
        return [*figures]
    chosen: list[Figure | None] | list[Icon | None] = figures
    if all(icons) or sum(map(bool, icons)) > sum(map(bool, figures)):
        chosen = icons
    if sum(map(bool, chosen)) * 4 < len(items) * 3:
        return [None] * len(items)  # a few marks among many gaps look like a mistake
    return [*chosen]


# A title's heading noun stands before the first of these.
_AFTER_HEAD = re.compile(
    r"\b(?:of|for|in|on|with|from|to|at|who|that|which|and|about|by|are|is|was|were|do|does)\b", re.IGNORECASE
)


def cast(spec: ImageSpec) -> tuple[Mark, ...]:
    """What the picture shows: figures, the hero first; outline icons only where no figure is known.

    The hero is the last thing that an English title's first noun phrase names ("school bake sale": the cake), if that
    phrase names the subject too; else the subject itself."""
    title = spec.title if spec.language == "en" else ""
    nouns = [spec.subject, *spec.icons, *(item.icon for item in spec.items)]
    subject = [figure for noun in nouns[:1] if (figure := find_figure(noun))] or figures_in(spec.subject, 3)
    named = figures_in(_AFTER_HEAD.split(title)[0], 4)
    heading = [] if len(title) > 48 else named[::-1] if not subject or subject[0] in named else []
    if spec.role in {"scene", "close_up"} and (alone := find_figure(title)):
        return (alone,)  # a card of one thing shows that thing
    if spec.role == "panels":  # the story's hero is what it is about, whatever else its title names
        heading = []
    figures = [*filter(None, (find_figure(title),)), *heading[:1], *subject, *heading[1:], *figures_in(title, 3)]
    listed = [figure for item in spec.items if (figure := find_figure(item.icon))]
    # What the entries show belongs in the picture; what else the brief names, only where they show nothing.
    figures += listed if len(set(listed)) > 1 else [figure for noun in nouns[1:] if (figure := find_figure(noun))]
    if figures:
        return tuple(dict.fromkeys(figures))[:5]
    icons = [
        *find_all(spec.subject, 3),
        *(icon for noun in nouns[1:] if (icon := find(noun))),
        *find_all(spec.prompt[:200], 3),
    ]
    return tuple(dict.fromkeys(icons))[:3]
