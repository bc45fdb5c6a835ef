"""Who thinks, who draws and who judges: the models of each role, built as the settings name them.

A name is `provider` or `provider:model`, and the model is free text: the list changes monthly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from pydantic import ValidationError

from .agent.embedded import EmbeddedReasoner
from .agent.model import ModelReasoner
from .agent.reasoner import Reasoner
from .config import Role, Settings
from .errors import ConfigError
from .safety.moderators import embedded_stack
from .safety.policy import PolicySet
from .safety.stack import SafetyStack
from .services import ServicePool
from .tools.images.canvas import Canvas
from .tools.images.generator import ImageGenerator
from .tools.images.openai import ImageOptions, OpenAIImages

Open = Callable[[str], Awaitable[bytes]]

__all__ = ["Choice", "build_generators", "build_reasoners", "build_stack", "chosen"]

_PROVIDERS: dict[str, tuple[str, ...]] = {
    "reasoner": ("openai", "embedded"),
    "generator": ("canvas", "openai"),
    "moderator": ("embedded",),
}

_NAMED = {"openai": "MODEL", "monitor": "MODEL"}  # providers of more than one model, and what names one


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


def build_reasoners(
    settings: Settings, pool: ServicePool, *, open_image: Open, identify: Callable[[str], str]
) -> tuple[Reasoner, ...]:
    """The reasoners of the chain, first choice first.

    `open_image` gives the bytes behind a blob reference, `identify` the safety identifier of an account.

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
                    identify=identify,
                )
            )
        else:
            reasoners.append(EmbeddedReasoner())
    return tuple(reasoners)


def build_generators(settings: Settings, pool: ServicePool) -> tuple[ImageGenerator, ...]:
    """The generators in the order in which they are tried.

    Raises:
        ConfigError: a name is none, a service cannot be used, or `image_options` holds what is no option.
    """
    return tuple(_generator(choice, settings, pool) for choice in chosen("generator", settings))


def _generator(choice: Choice, settings: Settings, pool: ServicePool) -> ImageGenerator:
    if choice.provider == "canvas":
        return Canvas()
    service = pool.get("generator")
    try:
        # Servers of one's own answer with addresses unless asked for bytes; OpenAI's refuses to be asked.
        options = ImageOptions.model_validate({"inline": not service.endpoint.is_openai, **settings.image_options})
    except ValidationError as error:
        named = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise ConfigError(f"image_options cannot be used: {named}. See docs/generators.md for the options.") from None
    return OpenAIImages(service, choice.model, options=options)


def build_stack(settings: Settings, policies: PolicySet, pool: ServicePool) -> SafetyStack:
    """Raises ConfigError for a name that is none, or a service that cannot be used."""
    chosen("moderator", settings)
    return embedded_stack(policies, seconds=settings.moderator_seconds, human_review=settings.human_review)


def _unknown(role: Role, name: str) -> NoReturn:
    known = [f"{name}:{_NAMED[name]}" if name in _NAMED else name for name in _PROVIDERS[role]]
    raise ConfigError(f"{role} {name!r} is unknown. Use {' or '.join(known)}, or several of them with commas.")
