"""Moderators: the embedded ones, which need no key, no network and no download, and those behind a service."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..compose import all_of
from ..content import Stage
from ..moderator import Moderator
from ..policy import PolicySet
from ..stack import SafetyStack
from . import language
from .classifier import Classifier, shared_classifier
from .image_set import SetGuard
from .images import ImageMonitor
from .injection import InjectionGuard
from .monitor import ReasoningMonitor
from .omni import OpenAIModeration
from .text import TextModerator

__all__ = [
    "ImageMonitor",
    "InjectionGuard",
    "OpenAIModeration",
    "ReasoningMonitor",
    "SetGuard",
    "TextModerator",
    "embedded_stack",
    "embedded_stages",
    "warm",
]


def embedded_stack(
    policies: PolicySet, *, seconds: float, human_review: bool = False, classifier: Classifier | None = None
) -> SafetyStack:
    """The whole embedded stack, every stage of it. Models are loaded on first use (or by `warm`), once a process.

    `seconds` limits each judgement; what takes longer, or cannot work because a part is not installed, blocks and says
    so. `classifier` takes the place of the shipped one: to measure other weights.
    """
    stages = embedded_stages(policies, classifier=classifier)
    return SafetyStack(policies, stages, seconds=seconds, human_review=human_review)


def embedded_stages(policies: PolicySet, *, classifier: Classifier | None = None) -> dict[Stage, Moderator]:
    """The embedded moderators, by the stage that each judges."""
    text = TextModerator(policies, classifier=classifier)
    images = ImageMonitor(policies, classifier=classifier)
    injection = InjectionGuard(policies, classifier=classifier)
    said_and_shown = all_of(text, images)
    return {
        Stage.PROMPT: said_and_shown,
        Stage.PLAN: text,
        Stage.TOOL_CALL: text,
        Stage.TOOL_RESULT: all_of(text, injection, images),
        Stage.GENERATOR_INPUT: said_and_shown,
        Stage.GENERATOR_OUTPUT: said_and_shown,
        Stage.IMAGE_SET: SetGuard(policies, classifier=classifier),
    }


def warm() -> None:
    """Load now what a prompt is judged by, rather than at the first judgement. Blocks. The models that look at pictures
    are loaded once a picture is under way (`ImageMonitor`).

    Raises:
        ConfigError: one is not installed or damaged. The moderator that needs it says so too, and blocks.
    """
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(language.warm)
        shared_classifier().warm()
        loading.result()
