"""A heading out of a phrase that a preposition had bent: languages with cases keep it, or turn the phrase back."""

from __future__ import annotations

import re

from .words import lexicon

__all__ = ["headline"]

# "Плакат о правилах" is about rules in a case that no heading takes: "О правилах" is one.
_KEPT = {"ru": ("о", "об", "обо"), "uk": ("про",), "pl": ("o",), "cs": ("o",), "el": ("για",)}
# "For", as a prefix, and what the article becomes without it.
_ONE_LETTER_FOR = {"he": ("ל", ""), "ar": ("ل", "ال")}
_GERMAN_ARTICLE = re.compile(r"^(?:den|dem|des|das|die|einen|einem|eines|unseren|unserem)\s+", re.IGNORECASE)


def headline(prompt: str, subject: str, language: str) -> str:
    """`subject` as it can stand by itself in `language`; unchanged where the language does not bend it, or if empty."""
    if not subject:
        return subject
    if words := _KEPT.get(language):
        match = re.search(
            rf"(?<!\w)({'|'.join(words)})\s+{re.escape(subject)}", " ".join(prompt.split()), re.IGNORECASE
        )
        return f"{match[1]} {subject}" if match else subject
    if language in _ONE_LETTER_FOR and (kinds := lexicon(language).kinds):
        # "כרזה לפסטיבל", "ملصق لمهرجان": "for" is written onto the word after the kind.
        words = tuple(word for group in kinds.values() for word in group)
        before = " ".join(prompt.split()).partition(subject)[0].strip()
        letter, article = _ONE_LETTER_FOR[language]
        named = lexicon(language).pattern(words).search(before)
        if (
            subject.startswith(letter)
            and named
            and named.end() == len(before)
            and len(subject.split(maxsplit=1)[0]) > 4
        ):
            return article + subject[2:] if article and subject.startswith(letter * 2) else subject[1:]
        return subject
    if language == "de":
        if " " not in subject and (whole := re.search(rf"\b(\w+ (?:der|des) {re.escape(subject)})", prompt)):
            return whole[1]  # "Zeitleiste der Schrift": a genitive stays with what it belongs to
        led = re.search(
            rf"\b(?:für|über|zu|von|aus|mit)\s+{re.escape(subject)}", " ".join(prompt.split()), re.IGNORECASE
        )
        return _GERMAN_ARTICLE.sub("", subject) if led else subject
    if language == "hi":  # an infinitive before a postposition: "धोने पर", by itself "धोना"
        return re.sub(r"ने$", "ना", subject)
    return subject
