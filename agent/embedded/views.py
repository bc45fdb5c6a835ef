"""Pictures without text: one subject seen in several ways, so that no two images are alike."""

from __future__ import annotations

from .icons import icons_in
from .part import Part
from .reading import Reading

__all__ = ["views"]

_VIEWS: tuple[tuple[str, str], ...] = (
    ("the whole scene at eye level", "scene"),
    ("a close-up of the main subject", "close_up"),
    ("a wide view with much sky", "scene"),
    ("from above", "scene"),
    ("a telling detail", "close_up"),
    ("the same place in the light of evening", "scene"),
    ("seen from far away, small in its surroundings", "scene"),
    ("from behind, looking where the subject looks", "scene"),
)


def views(reading: Reading, count: int) -> tuple[Part, ...]:
    """`count` views of the subject; the words of the brief, and nothing that it does not say but the point of view."""
    icons = tuple(dict.fromkeys((*icons_in(reading.subject), *icons_in(" ".join(reading.details)))))
    detail = ", ".join((reading.subject, *reading.details))
    parts = []
    for index in range(count):
        view, role = _VIEWS[index % len(_VIEWS)]
        turned = icons[index % len(icons) :] + icons[: index % len(icons)] if icons else ()
        parts.append(
            Part(
                "", f"{detail}: {view}", "scene" if role == "scene" else "close_up", turned[0] if turned else "", turned
            )
        )
    return tuple(parts)
