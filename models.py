"""Who thinks, who draws and who judges: the models of each role, built as the settings name them.

A name is `provider` or `provider:model`, and the model is free text: the list changes monthly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from .agent.embedded import EmbeddedReasoner
from .agent.reasoner import Reasoner
from .config import Role, Settings
from .errors import ConfigError
from .safety.moderators import embedded_stack
from .safety.policy import PolicySet
from .safety.stack import SafetyStack
from .services import ServicePool
from .tools.images.canvas import Canvas
from .tools.images.generator import ImageGenerator

__all__ = ["Choice", "build_generator", "build_reasoner", "build_stack", "chosen"]

_PROVIDERS: dict[str, tuple[str, ...]] = {
    "reasoner": ("embedded",),
    "generator": ("canvas",),
    "moderator": ("embedded",),
}


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
        remote = choice.provider in {"openai", "monitor"}
        if choice.provider not in _PROVIDERS[role] or remote != bool(choice.model):
            _unknown(role, name)
        choices.append(choice)
    return tuple(choices)


def build_reasoner(settings: Settings, pool: ServicePool) -> Reasoner:
    """Raises ConfigError for a name that is none, or a service that cannot be used."""
    chosen("reasoner", settings)
    return EmbeddedReasoner()


def build_generator(settings: Settings, pool: ServicePool) -> ImageGenerator:
    """Raises ConfigError for a name that is none, or a service that cannot be used."""
    chosen("generator", settings)
    return Canvas()


def build_stack(settings: Settings, policies: PolicySet, pool: ServicePool) -> SafetyStack:
    """Raises ConfigError for a name that is none, or a service that cannot be used."""
    chosen("moderator", settings)
    return embedded_stack(policies, seconds=settings.moderator_seconds, human_review=settings.human_review)


def _unknown(role: Role, name: str) -> NoReturn:
    known = [f"{name}:MODEL" if name in {"openai", "monitor"} else name for name in _PROVIDERS[role]]
    raise ConfigError(f"{role} {name!r} is unknown. Use {' or '.join(known)}, or several of them with commas.")
