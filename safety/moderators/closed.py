"""Failing closed with a reason: a moderator that cannot work says what is missing, and blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...errors import BadImage, ConfigError
from ..content import Content
from ..verdict import Verdict

__all__ = ["judged_in_thread"]


async def judged_in_thread(judge: Callable[[Content], Verdict], content: Content, name: str) -> Verdict:
    """The verdict of a synchronous judge, run in a thread.

    A part that is not installed, a damaged model or an undecodable image becomes a failure that says so: these messages
    are ours and hold no personal content. Anything else is raised, for the stack to fail closed on.
    """
    try:
        return await asyncio.to_thread(judge, content)
    except ConfigError as error:
        return Verdict.failure(name, f"cannot judge: {error}")
    except BadImage as error:
        return Verdict.failure(name, f"an image could not be read: {error}")
