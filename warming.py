"""Loads the embedded models while there is other work to do: the first judgement would wait for them."""

from __future__ import annotations

import structlog

from .config import Settings
from .errors import ConfigError

__all__ = ["warm"]

_log = structlog.get_logger(__name__)


def warm(settings: Settings) -> None:
    """Load the models that these settings judge a prompt with; those that look at pictures load while the first is
    being made. Blocks, about a second: call it in a thread. What does not load is told to the log here, and to the user
    by the moderator that needs it."""
    if not any(name.strip() == "embedded" for name in settings.moderator):
        return
    from .safety.moderators import warm as load

    try:
        load()
    except ConfigError as error:
        _log.warning("a model did not load ahead", error=str(error))
