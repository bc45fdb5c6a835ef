"""What calls cost: a table of prices by model, a data file that anyone can replace."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ConfigError

__all__ = ["Price", "PriceTable"]

_MILLION = 1_000_000


class Price(BaseModel):
    """US dollars: a million tokens, one image, one hosted search. What is left out costs what its nearest kin does.

    `image_tokens` is how many output tokens an image takes, for estimates; a bill counts those that were used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(default=0.0, ge=0)
    cached: float | None = Field(default=None, ge=0)
    output: float = Field(default=0.0, ge=0)
    image_input: float | None = Field(default=None, ge=0)
    image: float = Field(default=0.0, ge=0)
    image_tokens: int = Field(default=0, ge=0)
    search: float = Field(default=0.0, ge=0)

    def of_image(self) -> float:
        """What one image is expected to cost: its price, and its output tokens where those are what is billed."""
        return self.image + self.image_tokens * self.output / _MILLION

    def of(self, usage: Mapping[str, int]) -> float:
        """The cost of one call. `usage` counts input_tokens, cached_tokens and image_tokens (both parts of the input),
        output_tokens, images, searches; what it does not name is 0."""
        cached, pictured = usage.get("cached_tokens", 0), usage.get("image_tokens", 0)
        plain = max(0, usage.get("input_tokens", 0) - cached - pictured)
        tokens = (
            plain * self.input
            + cached * (self.input if self.cached is None else self.cached)
            + pictured * (self.input if self.image_input is None else self.image_input)
            + usage.get("output_tokens", 0) * self.output
        )
        return tokens / _MILLION + usage.get("images", 0) * self.image + usage.get("searches", 0) * self.search


class PriceTable:
    """Prices by the longest prefix of a model's name that is listed."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = dict(sorted(prices.items(), key=lambda item: -len(item[0])))

    @classmethod
    def load(cls, path: Path | None = None) -> PriceTable:
        """The shipped table, with the entries of `path` added or put in their place.

        Raises:
            ConfigError: the file cannot be read, or an entry is no price.
        """
        shipped = (resources.files(__package__) / "prices.yaml").read_text(encoding="utf-8")
        try:
            raw: dict[str, Any] = yaml.safe_load(shipped)
            if path is not None:
                raw |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            return cls({str(name): Price.model_validate(entry) for name, entry in raw.items()})
        except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
            said = f"{error.error_count()} entries are no prices" if isinstance(error, ValidationError) else str(error)
            raise ConfigError(f"The price table {path} cannot be used: {said}.") from error

    def find(self, model: str) -> Price | None:
        """The price of a model, None where none is listed."""
        name = model.rsplit("/", 1)[-1]
        return next((price for prefix, price in self._prices.items() if name.startswith(prefix)), None)

    def cost(self, model: str, usage: Mapping[str, int]) -> float | None:
        """US dollars of one call; None where the model has no price."""
        price = self.find(model)
        return None if price is None else price.of(usage)
