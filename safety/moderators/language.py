"""Which language a text is written in (`py3langid`, 97 languages): a remark beside the evidence, for who reviews it,
and what the embedded reasoner falls back on."""

from __future__ import annotations

import threading

from ...errors import ConfigError

__all__ = ["language_of", "languages_of", "warm"]

_lock = threading.Lock()  # the package loads its model lazily, into a global
_LEAST = 12  # letters from which a guess is worth anything
_READ = 400  # characters that are looked at


def language_of(text: str) -> str:
    """ISO 639-1 code of the likeliest language; `und` for texts of fewer than twelve letters.

    Raises:
        ConfigError: py3langid is not installed, or does not load.
    """
    if sum(map(str.isalpha, text[:_READ])) < _LEAST:
        return "und"
    return languages_of(text[:_READ])[0]


def languages_of(text: str) -> tuple[str, ...]:
    """ISO 639-1 codes of all languages that are known, the likeliest first.

    Raises:
        ConfigError: py3langid is not installed, or does not load.
    """
    try:
        from py3langid import rank  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigError("py3langid is not installed: pip install 'safelight[embedded]'") from error
    try:
        with _lock:
            return tuple(str(code) for code, _ in rank(text))
    except OSError as error:  # the model is unpacked into a temporary file
        raise ConfigError(f"py3langid does not load: {error.strerror or error}. Is there room for it?") from error


def warm() -> None:
    """Load the model now: a third of a second, most of it decompression, during which other threads go on."""
    languages_of("")
