"""What a scene is told in: shapes on a ground, before any material is chosen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ground", "Shape"]


@dataclass(frozen=True)
class Shape:
    """One thing to paint. `depth` 0 is the far distance, 1 the near foreground. Roles: land, water, plant, trunk,
    built, window, cloud, light, snow, object, line. Things of role `line` are stroked, all others filled."""

    path: str
    role: str
    depth: float


@dataclass(frozen=True)
class Ground:
    """The picture's frame: position and size in px, and the height of the horizon as a y coordinate."""

    x: float
    y: float
    w: float
    h: float
    horizon: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def reach(self) -> float:
        """What sizes of things follow: the width, or in a panorama somewhat more than the height."""
        return min(self.w, 1.8 * self.h)

    @property
    def below(self) -> float:
        """Height of what lies below the horizon."""
        return self.bottom - self.horizon
