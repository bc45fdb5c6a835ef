"""Risk categories written as data, and the version that clearances and the ledger carry."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import ConfigError
from .content import Stage
from .verdict import Decision, severest

__all__ = ["Monitoring", "Policy", "PolicySet", "StackName", "StageThresholds", "Thresholds"]

StackName = Literal["general", "minors", "bio"]

# The same safe subset of YAML, ten times as fast where libyaml is there.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Thresholds(BaseModel):
    """Scores (0..1) from which a finding rewrites, goes to review, or blocks; None where that never happens.

    `refuse` is where `rewrite` begins for content that nobody will rewrite (`Content.final`), and so refuses: a rewrite
    for nothing costs a word or two, a refusal for nothing the whole request. None: from `rewrite` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rewrite: float | None = Field(default=None, ge=0, le=1)
    refuse: float | None = Field(default=None, ge=0, le=1)
    review: float | None = Field(default=None, ge=0, le=1)
    block: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        named = [(name, limit) for name in ("rewrite", "review", "block") if (limit := getattr(self, name)) is not None]
        for (milder, low), (severer, high) in itertools.pairwise(named):
            if low >= high:
                raise ValueError(f"{milder} ({low:g}) must lie below {severer} ({high:g}), or it could never happen")
        if self.refuse is not None:
            low, high = self.rewrite, next((limit for limit in (self.review, self.block) if limit is not None), 1.0)
            if low is None or not low <= self.refuse <= high:
                raise ValueError(f"refuse ({self.refuse:g}) must lie between rewrite and what is severer")
        return self

    @property
    def lowest(self) -> float | None:
        """The mildest threshold there is, from which a score matters at all."""
        return next((limit for limit in (self.rewrite, self.review, self.block) if limit is not None), None)

    def decide(self, score: float, *, final: bool = False) -> Decision:
        """The severest decision whose threshold `score` reaches. Raises ValueError for what is no score (NaN)."""
        if not 0 <= score <= 1:
            raise ValueError(f"a score lies within 0 and 1, not {score!r}")
        for decision, limit in (
            (Decision.BLOCK, self.block),
            (Decision.REVIEW, self.review),
            (Decision.REWRITE, self.refuse if final and self.refuse is not None else self.rewrite),
        ):
            if limit is not None and score >= limit:
                return decision
        return Decision.ALLOW


class StageThresholds(BaseModel):
    """Thresholds by stage. A stage without its own uses `default`; `strict` holds beside them, at every stage, for
    content whose `stacks` name the policy's stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Thresholds
    prompt: Thresholds | None = None
    plan: Thresholds | None = None
    tool_call: Thresholds | None = None
    tool_result: Thresholds | None = None
    generator_input: Thresholds | None = None
    generator_output: Thresholds | None = None
    image_set: Thresholds | None = None
    strict: Thresholds | None = None

    def at(self, stage: Stage) -> Thresholds:
        """The thresholds that hold at this stage."""
        own: Thresholds | None = getattr(self, stage.value)
        return own or self.default


class Monitoring(BaseModel):
    """When a reasoning monitor must see content, under one policy.

    `grey`: where other moderators are in doubt, their score reaching `from_` of the mildest threshold; what blocks
    already is not asked about. `always`: at the named stages whatever they say, and in doubt elsewhere. `required`: as
    `always`, and at these stages content is blocked where no monitor is configured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    when: Literal["grey", "always", "required"] = "grey"
    stages: tuple[Stage, ...] = tuple(Stage)
    from_: float = Field(default=0.5, ge=0, le=1, alias="from")

    def demanded_at(self, stage: Stage) -> bool:
        """A monitor must see all content at this stage."""
        return self.when != "grey" and stage in self.stages


class Policy(BaseModel):
    """One risk category.

    `text` is written for a reasoning model; `disallowed` and `allowed` name cases, the allowed ones being near
    misses. `rewritable` is false for hard-block categories, which are never rewritten into delivery of the same
    thing. `offer` is what a safe completion may propose instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    title: str = Field(min_length=3)
    text: str = Field(min_length=40)
    disallowed: tuple[str, ...] = Field(min_length=1)
    allowed: tuple[str, ...] = Field(min_length=1)
    stack: StackName = "general"
    rewritable: bool = True
    offer: tuple[str, ...] = Field(min_length=1)
    thresholds: StageThresholds
    monitor: Monitoring = Monitoring()

    @model_validator(mode="after")
    def _protects_minors(self) -> Policy:
        if self.stack == "minors":
            if self.rewritable:
                raise ValueError("a policy of the stack `minors` is a hard block: set `rewritable: false`")
            if any(self.thresholds.at(stage).block is None for stage in Stage):
                raise ValueError("a policy of the stack `minors` must have a `block` threshold at every stage")
        return self

    def in_doubt(self, stage: Stage, score: float) -> bool:
        """A score that does not settle the matter: near the mildest threshold of this stage, or past it."""
        lowest = self.thresholds.at(stage).lowest
        return lowest is not None and score >= lowest * self.monitor.from_

    def decide(self, stage: Stage, score: float, *, strict: bool = False, final: bool = False) -> Decision:
        """What a finding of this score means at this stage; `strict` where the content names this policy's stack,
        `final` where nobody will rewrite the content.

        A hard-block policy blocks where another would rewrite. Raises ValueError for what is no score (NaN).
        """
        decision = self.thresholds.at(stage).decide(score, final=final)
        if strict and self.thresholds.strict is not None:
            decision = severest(decision, self.thresholds.strict.decide(score, final=final))
        return Decision.BLOCK if decision is Decision.REWRITE and not self.rewritable else decision


class PolicySet:
    """All policies in force. `version` is a hash of their contents: change one word, and every clearance is void.

    Raises:
        ConfigError: there is no policy, or two have the same id.
    """

    def __init__(self, policies: Iterable[Policy]) -> None:
        found: dict[str, Policy] = {}
        for policy in policies:
            if policy.id in found:
                raise ConfigError(f"Two policies have the id {policy.id!r}: rename one, or remove it.")
            found[policy.id] = policy
        if not found:
            raise ConfigError("No policies are in force: at least one is needed, or nothing could ever be blocked.")
        self._policies = MappingProxyType(dict(sorted(found.items())))
        canonical = [policy.model_dump(mode="json") for policy in self]
        encoded = json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()
        self._version = hashlib.sha256(encoded).hexdigest()[:16]

    @classmethod
    def load(cls, directory: Path | None = None) -> PolicySet:
        """The shipped policies, with those of `directory` added, or put in place of shipped ones with the same id.

        Raises:
            ConfigError: a file is not valid YAML, or not a policy, or has the id of another; the message names the
                file and the field.
        """
        shipped = (resources.files(__package__) / "policies").iterdir()
        found = _read_all(entry for entry in shipped if entry.name.endswith(".yaml"))
        if directory is not None:
            if not directory.is_dir():
                raise ConfigError(f"The policy directory {directory} does not exist. Create it, or unset `policies`.")
            found |= _read_all(path for path in directory.iterdir() if path.suffix in {".yaml", ".yml"})
        return cls(found.values())

    @property
    def version(self) -> str:
        """16 hexadecimal digits of SHA-256 over the canonical JSON of all policies, by id."""
        return self._version

    def __reduce__(self) -> tuple[type[PolicySet], tuple[tuple[Policy, ...]]]:
        return PolicySet, (tuple(self),)

    def __getitem__(self, policy_id: str) -> Policy:
        return self._policies[policy_id]

    def __contains__(self, policy_id: object) -> bool:
        return policy_id in self._policies

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())

    def __len__(self) -> int:
        return len(self._policies)


def _read_all(files: Iterable[Traversable]) -> dict[str, Policy]:
    """The policies of one folder by id."""
    found: dict[str, Policy] = {}
    homes: dict[str, str] = {}
    for file in sorted(files, key=lambda each: each.name):
        policy = _read(file)
        if policy.id in found:
            raise ConfigError(f"{file} and {homes[policy.id]} both define the policy {policy.id!r}: remove one.")
        found[policy.id], homes[policy.id] = policy, str(file)
    return found


def _read(file: Traversable) -> Policy:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (the loader is a safe one)
        return Policy.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"{file} is not a valid policy: {faults}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid YAML: {' '.join(str(error).split())}.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from error
