"""What was said before, read together with what is said now: harm may be divided over turns, and hidden in padding.

Of every turn its most suspicious sentences are kept, so that all of them fit into one passage and are judged as one
(summarize, then classify; cf. Cooper et al. on divide-and-conquer attacks, arXiv 2312.07130). A turn that by itself
would not be let through was refused, and does not count against the next one: a refusal poisons nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..content import Content, TextPart
from .classifier import Classifier

__all__ = ["TOGETHER", "earlier_turns", "together"]

TOGETHER = 660  # characters: what the classifier reads as one passage
_LEAST = 60  # characters that every turn may keep, however many there are
_HISTORY = ("turn", "intent", "edit")


def earlier_turns(content: Content, blocked: Callable[[str], bool]) -> list[str]:
    """The earlier turns in a content's context, oldest first, without those that would be `blocked` by themselves."""
    texts = [part.text for part in content.context if isinstance(part, TextPart) and part.source.startswith(_HISTORY)]
    return [text for text in texts if text.strip() and not blocked(text)]


def together(texts: Sequence[str], classifier: Classifier) -> str:
    """All texts as one passage, in order: whole where they fit, else the worst sentences of each."""
    whole = "\n".join(texts)
    if len(whole) <= TOGETHER:
        return whole
    each = max(_LEAST, TOGETHER // len(texts))
    spare = TOGETHER - sum(min(len(text), each) for text in texts)
    longer = sum(len(text) > each for text in texts)
    share = each + max(0, spare) // max(1, longer)
    return "\n".join(classifier.gist(text, share) for text in texts)[-TOGETHER:]
