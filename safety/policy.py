"""Risk categories written as data, and the version that clearances and the ledger carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import ConfigError
from .content import Stage
from .verdict import Decision

__all__ = ["Policy", "PolicySet", "Thresholds"]

StackName = Literal["general", "minors", "bio"]


class Thresholds(BaseModel):
    """Scores (0..1) from which a finding rewrites, goes to review, or blocks; None where that never happens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rewrite: float | None = Field(default=None, ge=0, le=1)
    review: float | None = Field(default=None, ge=0, le=1)
    block: float | None = Field(default=None, ge=0, le=1)

    def decide(self, score: float) -> Decision:
        """The severest decision whose threshold `score` reaches."""
        for decision, limit in (
            (Decision.BLOCK, self.block),
            (Decision.REVIEW, self.review),
            (Decision.REWRITE, self.rewrite),
        ):
            if limit is not None and score >= limit:
                return decision
        return Decision.ALLOW


class Policy(BaseModel):
    """One risk category.

    `text` is written for a reasoning model; `disallowed` and `allowed` name cases, the allowed ones being near
    misses. `rewritable` is false for hard-block categories, which are never rewritten into delivery of the same
    thing. `offer` is what a safe completion may propose instead. `thresholds` maps a stage (or `default`) to limits.
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
    thresholds: Mapping[Stage | Literal["default"], Thresholds]

    @model_validator(mode="after")
    def _has_default(self) -> Policy:
        if "default" not in self.thresholds:
            raise ValueError(f"policy {self.id}: thresholds need a 'default' entry")
        return self

    def decide(self, stage: Stage, score: float) -> Decision:
        """What a finding of this score means at this stage."""
        return self.thresholds.get(stage, self.thresholds["default"]).decide(score)


class PolicySet:
    """All policies in force. `version` is a hash of their contents: change one word, and every clearance is void."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._policies = {policy.id: policy for policy in policies}
        if not self._policies:
            raise ConfigError("No policies are in force: at least one is needed, or nothing could ever be blocked.")
        canonical = "\n".join(self._policies[key].model_dump_json() for key in sorted(self._policies))
        self.version = hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @classmethod
    def load(cls, directory: Path | None = None) -> PolicySet:
        """The shipped policies, with those of `directory` added, or put in place of shipped ones with the same id.

        Raises:
            ConfigError: a file is not valid YAML, or not a policy; the message names the file and the field.
        """
        shipped = [entry for entry in (resources.files(__package__) / "policies").iterdir() if entry.name.endswith(".yaml")]
        own: list[Path] = []
        if directory is not None:
            if not directory.is_dir():
                raise ConfigError(f"The policy directory {directory} does not exist. Create it, or unset `policies`.")
            own = sorted(path for path in directory.iterdir() if path.suffix in {".yaml", ".yml"})
        found: dict[str, Policy] = {}
        for entry in (*sorted(shipped, key=lambda item: item.name), *own):
            policy = _parse(entry.read_text(encoding="utf-8"), str(entry))
            found[policy.id] = policy
        return cls(found.values())

    def __getitem__(self, policy_id: str) -> Policy:
        return self._policies[policy_id]

    def __contains__(self, policy_id: object) -> bool:
        return policy_id in self._policies

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())

    def __len__(self) -> int:
        return len(self._policies)


def _parse(text: str, where: str) -> Policy:
    try:
        return Policy.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{where} is not a valid policy: {error}") from error
