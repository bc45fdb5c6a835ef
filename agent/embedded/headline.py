"""A heading out of a phrase that a preposition had bent: languages with cases keep it, or turn the phrase back."""

from __future__ import annotations

import re

__all__ = ["headline"]

# "Плакат о правилах" is about rules in a case that no heading takes: "О правилах" is one.
_KEPT = {"ru": ("о", "об", "обо"), "uk": ("про",), "pl": ("o",), "cs": ("o",), "el": ("για",)}
_GERMAN_ARTICLE = re.compile(r"^(?:den|dem|des|das|die|einen|einem|eines|unseren|unserem)\s+", re.IGNORECASE)


def headline(prompt: str, subject: str, language: str) -> str:
    """`subject` as it can stand by itself in `language`; unchanged where the language does not bend it."""
    if words := _KEPT.get(language):
        match = re.search(
            rf"(?<!\w)({'|'.join(words)})\s+{re.escape(subject)}", " ".join(prompt.split()), re.IGNORECASE
        )
        return f"{match[1]} {subject}" if match and subject else subject
    if language == "de":
        led = re.search(
            rf"\b(?:für|über|zu|von|aus|mit)\s+{re.escape(subject)}", " ".join(prompt.split()), re.IGNORECASE
        )
        return _GERMAN_ARTICLE.sub("", subject) if led else subject
    if language == "hi":  # an infinitive before a postposition: "धोने पर", by itself "धोना"
        return re.sub(r"ने$", "ना", subject)
    return subject
