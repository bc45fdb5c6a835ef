"""Who thinks, who draws and who judges: the models of each role, built as the settings name them.

A name is `provider` or `provider:model`, and the model is free text: the list changes monthly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from .agent.embedded import EmbeddedReasoner, Recall
from .agent.model import ModelReasoner
from .agent.reasoner import Reasoner
from .config import Role, Settings
from .errors import ConfigError
from .safety.cascade import Cascade
from .safety.compose import all_of, consensus
from .safety.content import Stage
from .safety.moderator import Moderator
from .safety.moderators import OpenAIModeration, ReasoningMonitor, embedded_stages
from .safety.moderators.monitor import STACKS
from .safety.policy import PolicySet
from .safety.stack import SafetyStack
from .services import PriceTable, ServicePool
from .tools.images.canvas import Canvas
from .tools.images.diffusers import Diffusers, DiffusersOptions
from .tools.images.generator import ImageGenerator
from .tools.images.openai import ImageOptions, OpenAIImages

__all__ = ["Choice", "build_generators", "build_reasoners", "build_stack", "check_prices", "chosen"]

_PROVIDERS: dict[str, tuple[str, ...]] = {
    "reasoner": ("openai", "embedded"),
    "generator": ("canvas", "openai", "diffusers"),
    "moderator": ("embedded", "openai", "monitor"),
}

Options = TypeVar("Options", bound=BaseModel)
Open = Callable[[str], Awaitable[bytes]]
Monitors = Callable[[frozenset[str]], Moderator]

_NAMED = {
    "openai": "MODEL",
    "monitor": "MODEL",
    "diffusers": "PATH",
}  # providers of more than one model, and what names one


@dataclass(frozen=True)
class Choice:
    """One link of a chain, `provider:model`. `model` is empty where the provider has only one."""

    provider: str
    model: str = ""

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider


def chosen(role: Role, settings: Settings) -> tuple[Choice, ...]:
    """The chain of a role, first choice first. Raises ConfigError for a provider that it does not have."""
    choices = []
    for name in getattr(settings, role):
        provider, _, model = name.partition(":")
        choice = Choice(provider.strip(), model.strip())
        if choice.provider not in _PROVIDERS[role] or (choice.provider in _NAMED) != bool(choice.model):
            _unknown(role, name)
        choices.append(choice)
    return tuple(choices)


def check_prices(settings: Settings, prices: PriceTable) -> None:
    """Raises ConfigError where a run has a budget and uses models without a price: nobody could keep it."""
    if settings.max_cost is None and settings.max_account_cost is None:
        return
    roles: tuple[Role, ...] = ("reasoner", "generator", "moderator")
    used = {choice.model for role in roles for choice in chosen(role, settings) if choice.model}
    unpriced = sorted(model for model in used if prices.find(model) is None)
    if unpriced:
        raise ConfigError(
            f"A budget is set, and these models have no price: {', '.join(unpriced)}. "
            "List them in a file of prices, and name it in SAFELIGHT_PRICES."
        )


def build_reasoners(
    settings: Settings,
    pool: ServicePool,
    *,
    open_image: Open,
    identify: Callable[[str], str],
    recall: Recall | None = None,
) -> tuple[Reasoner, ...]:
    """The reasoners of the chain, first choice first.

    `open_image` gives the bytes behind a blob reference, `identify` the safety identifier of an account,
    `recall` what an image of ours was drawn from.

    Raises:
        ConfigError: a name that is none, or a service that cannot be used.
    """
    reasoners: list[Reasoner] = []
    for choice in chosen("reasoner", settings):
        if choice.provider == "openai":
            service = pool.get("reasoner")
            reasoners.append(
                ModelReasoner(
                    service,
                    choice.model,
                    open_image=open_image,
                    effort=settings.reasoner_effort or None,
                    most_tokens=settings.reasoner_tokens,
                    identify=identify,
                )
            )
        else:
            reasoners.append(EmbeddedReasoner(recall=recall))
    return tuple(reasoners)


def build_generators(settings: Settings, pool: ServicePool) -> tuple[ImageGenerator, ...]:
    """The generators in the order in which they are tried.

    Raises:
        ConfigError: a name is none, a service cannot be used, or options hold what is none.
    """
    return tuple(_generator(choice, settings, pool) for choice in chosen("generator", settings))


def _generator(choice: Choice, settings: Settings, pool: ServicePool) -> ImageGenerator:
    if choice.provider == "canvas":
        return Canvas()
    if choice.provider == "diffusers":
        return Diffusers(
            Path(choice.model).expanduser(),
            options=_options(DiffusersOptions, settings.diffusers_options, "diffusers_options"),
        )
    service = pool.get("generator")
    # Servers of one's own answer with addresses unless asked for bytes; OpenAI's refuses to be asked.
    asked = {"inline": not service.endpoint.is_openai, **settings.image_options}
    return OpenAIImages(service, choice.model, options=_options(ImageOptions, asked, "image_options"))


def _options(kind: type[Options], given: dict[str, Any], setting: str) -> Options:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        named = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise ConfigError(f"{setting} cannot be used: {named}. See docs/generators.md for the options.") from None


def build_stack(settings: Settings, policies: PolicySet, pool: ServicePool) -> SafetyStack:
    """All moderators that are named, as a cascade: embedded ones and moderation services judge everything, the
    monitor what they leave to it.

    Raises:
        ConfigError: a name is none, two monitors are named, or a service cannot be used.
    """
    choices = chosen("moderator", settings)
    monitors = [choice for choice in choices if choice.provider == "monitor"]
    if len(monitors) > 1:
        raise ConfigError("moderator names more than one monitor: keep one, or ask it more than once (monitor_votes).")
    by_stage: dict[Stage, list[Moderator]] = {stage: [] for stage in Stage}
    for choice in choices:
        if choice.provider == "embedded":
            for stage, moderator in embedded_stages(policies).items():
                by_stage[stage].append(moderator)
        elif choice.provider == "openai":
            service = OpenAIModeration(pool.get("moderator"), choice.model, policies)
            for stage in Stage:
                by_stage[stage].append(service)
    monitor = _monitor(monitors[0], settings, policies, pool) if monitors else None
    stages = {stage: _at_stage(first, monitor, settings, policies) for stage, first in by_stage.items()}
    seconds, review, strict = settings.moderator_seconds, settings.human_review, settings.strict
    return SafetyStack(policies, stages, seconds=seconds, human_review=review, strict=strict)


def _at_stage(first: list[Moderator], monitor: Monitors | None, settings: Settings, policies: PolicySet) -> Moderator:
    if not first:  # `chosen` gives one choice at least: then it is the monitor, which judges everything
        assert monitor is not None  # noqa: S101 (says so to the type checker)
        return monitor(frozenset(STACKS))
    demanding = any(policy.monitor.when == "required" for policy in policies)
    begun = first[0] if len(first) == 1 else all_of(*first)
    if monitor is None and not demanding:
        return begun
    return Cascade(policies, begun, monitor, unseen=settings.monitor_unseen, lifts=settings.monitor_lifts)


def _monitor(choice: Choice, settings: Settings, policies: PolicySet, pool: ServicePool) -> Monitors:
    """The monitor for each set of policy stacks, made once, so that its instructions stay the same."""
    service, votes = pool.get("monitor"), settings.monitor_votes

    @cache
    def monitor(stacks: frozenset[str]) -> Moderator:
        single = ReasoningMonitor(
            service,
            choice.model,
            policies,
            stacks=stacks,
            vision=settings.monitor_vision,
            effort=settings.monitor_effort or None,
        )
        return single if votes == 1 else consensus(single, quorum=votes // 2 + 1, n=votes)

    return monitor


def _unknown(role: Role, name: str) -> NoReturn:
    known = [f"{name}:{_NAMED[name]}" if name in _NAMED else name for name in _PROVIDERS[role]]
    raise ConfigError(f"{role} {name!r} is unknown. Use {' or '.join(known)}, or several of them with commas.")
