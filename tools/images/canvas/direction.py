"""The eight art directions, as data: type, palettes, material, texture and motif."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ....errors import BadInput
from ..spec import StyleSheet
from .color import contrast, luminance, mix, parse, readable

__all__ = ["ArtDirection", "Palette", "TypeStyle", "directions", "resolve"]


@dataclass(frozen=True)
class TypeStyle:
    """How one kind of text is set. Tracking and leading are in em; `leading` comes on top of a line box of 1.02 em.
    `scale` evens out families that look small for their size."""

    family: str
    weight: int
    tracking: float = 0.0
    leading: float = 0.3
    italic: bool = False
    caps: bool = False
    scale: float = 1.0


@dataclass(frozen=True)
class Palette:
    """Colors as `#rrggbb`. `ink`, `accent`, `accent2` and `muted` reach 4.5:1 on `paper` and on `panel`."""

    paper: str
    ink: str
    accent: str
    accent2: str
    muted: str
    panel: str
    ramp: tuple[str, ...]
    light: str
    pop: str
    pop2: str

    @property
    def dark(self) -> bool:
        return luminance(self.paper) < 0.25

    def ink_on(self, background: str) -> str:
        """The text color of this palette that reads best on `background`, at 4.5:1 or more."""
        if contrast(self.ink, background) >= 4.6:
            return self.ink
        if contrast(self.paper, background) >= 4.6:
            return self.paper
        return readable(
            self.ink if contrast(self.ink, background) > contrast(self.paper, background) else self.paper, background
        )


@dataclass(frozen=True)
class ArtDirection:
    """One look: everything that the layouts and materials need to know about it."""

    name: str
    material: str
    texture: str
    icon: str
    icon_weight: float
    radius: float
    motif: str
    headline: str
    palette: Palette
    type: dict[str, TypeStyle]


@cache
def directions() -> dict[str, Any]:
    """The parsed data file, by name."""
    data: dict[str, Any] = yaml.safe_load((files(__package__) / "directions.yaml").read_text(encoding="utf-8"))
    return data


def resolve(style: StyleSheet) -> ArtDirection:
    """The art direction of a set: its palette chosen by the style's seed, overridden color by color by
    `style.palette`, and every text color moved as far as 4.5:1 asks. Raises `BadInput` on a malformed color."""
    data = directions()[style.direction]
    raw = data["palettes"][style.seed % len(data["palettes"])]
    palette = _legible(_override(Palette(**{**raw, "ramp": tuple(raw["ramp"])}), style.palette))
    return ArtDirection(
        name=style.direction,
        material=data["material"],
        texture=data["texture"],
        icon=data["icon"],
        icon_weight=data["icon_weight"],
        radius=data["radius"],
        motif=data["motif"],
        headline=data["headline"],
        palette=palette,
        type={role: TypeStyle(**values) for role, values in data["type"].items()},
    )


def _override(palette: Palette, given: dict[str, str]) -> Palette:
    """A palette with the user's colors; a new paper or accent takes the scene ramp along."""
    if not given:
        return palette
    fields = {"paper", "ink", "accent", "accent2", "muted", "panel", "light", "pop", "pop2"}
    for role, color in given.items():
        try:
            parse(color)
        except ValueError as error:
            raise BadInput(f"palette: {role}: {error}") from None
    changed = replace(palette, **{role: color for role, color in given.items() if role in fields})  # type: ignore[arg-type]
    if "paper" in given and "panel" not in given:
        changed = replace(changed, panel=mix(changed.paper, changed.ink, 0.06))
    if "paper" in given and "muted" not in given:
        changed = replace(changed, muted=mix(changed.ink, changed.paper, 0.3))
    if "accent" in given:
        changed = replace(changed, pop=given.get("pop", changed.accent))
        near = mix(changed.accent, "#0b0d12", 0.62)
        ends = (mix(changed.paper, changed.accent, 0.14), changed.accent, near)
        changed = replace(
            changed,
            ramp=(ends[0], mix(ends[0], ends[1], 0.4), mix(ends[0], ends[1], 0.8), mix(ends[1], ends[2], 0.5), ends[2]),
        )
    return changed


def _legible(palette: Palette) -> Palette:
    ink = palette.ink
    for ground in (palette.paper, palette.panel):
        ink = readable(ink, ground, 7.0)
    moved = {}
    for role in ("accent", "accent2", "muted"):
        color = getattr(palette, role)
        for ground in (palette.paper, palette.panel):
            color = readable(color, ground)
        moved[role] = color
    return replace(palette, ink=ink, **moved)
