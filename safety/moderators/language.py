"""Which language a text is written in (`py3langid`, 97 languages): a remark beside the evidence, for who reviews it."""

from __future__ import annotations

import threading

from ...errors import ConfigError

__all__ = ["language_of"]

_lock = threading.Lock()  # the package loads its model lazily, into a global


def language_of(text: str) -> str:
    """ISO 639-1 code of the likeliest language; `und` for texts of fewer than twelve letters.

    Raises:
        ConfigError: py3langid is not installed.
    """
    if sum(map(str.isalpha, text[:400])) < 12:
        return "und"
    try:
        from py3langid import classify  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigError("py3langid is not installed: pip install 'safelight[embedded]'") from error
    with _lock:
        code, _ = classify(text[:400])
    return str(code)
