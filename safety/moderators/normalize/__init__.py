"""Every way in which a text can be read: the classifier judges each, and the steps are its evidence.

`forms(text)[0]` is the text in canonical spelling; the others undo one obfuscation after another (each found only
where there are signs of it, so that plain writing has one form). Bounded: at most `limit` forms, nested at most
three deep, together no longer than about four times the text.
"""

from __future__ import annotations

from collections import deque

from . import codewords, encodings, letters
from .form import Form
from .glyphs import canonical, hidden

__all__ = ["Form", "canonical", "forms"]

_DEPTH = 3
_ROOM = 4096  # characters that even a short text may grow by: a decoded base64 line, an entity spelled out


def forms(text: str, *, limit: int = 12) -> tuple[Form, ...]:
    """All readings of `text`, the plain one first. Deterministic; linear in the length of `text`; never raises."""
    plain, steps = canonical(text)
    found: dict[str, Form] = {plain: Form(plain, steps)}
    room = 4 * len(text) + _ROOM
    queue: deque[tuple[Form, int]] = deque([(found[plain], 0)])
    for step, smuggled in hidden(text.encode("utf-8", "replace").decode("utf-8")):
        room = _add(found, queue, smuggled, (step,), 0, room, limit)
    while queue:
        form, depth = queue.popleft()
        if depth == _DEPTH:
            continue
        known = len(found)
        for source in (encodings, letters, codewords):
            for step, reading in source.uncover(form.text):
                room = _add(found, queue, reading, (*form.steps, step), depth + 1, room, limit)
            if source is encodings and len(found) > known:
                break  # what is still encoded would only be garbled further
    return tuple(found.values())


def _add(
    found: dict[str, Form],
    queue: deque[tuple[Form, int]],
    reading: str,
    steps: tuple[str, ...],
    depth: int,
    room: int,
    limit: int,
) -> int:
    """Keep a new reading where there is room; the room that is left."""
    if len(found) >= limit or len(reading) > room or not reading.strip():
        return room
    text, cleaned = canonical(reading)
    if text in found:
        return room
    found[text] = Form(text, (*steps, *cleaned))
    queue.append((found[text], depth))
    return room - len(text)
