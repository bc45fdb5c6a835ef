"""Which language a text is written in (`py3langid`, 97 languages), as a remark beside the evidence."""

from __future__ import annotations

import threading
from typing import Any

from ...errors import ConfigError

__all__ = ["language_of"]

_lock = threading.Lock()
_identifier: list[Any] = []


def language_of(text: str) -> str:
    """ISO 639-1 code of the likeliest language; `und` for texts of fewer than twelve letters.

    Raises:
        ConfigError: py3langid is not installed.
    """
    if sum(map(str.isalpha, text[:400])) < 12:
        return "und"
    with _lock:
        if not _identifier:
            try:
                from py3langid.langid import MODEL_FILE, LanguageIdentifier
            except ImportError as error:
                raise ConfigError("py3langid is not installed: pip install 'safelight[embedded]'") from error
            _identifier.append(LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True))
        code, _ = _identifier[0].classify(text[:400])
    return str(code)
