"""The page under construction: vector marks below, text above, both mirrored for right-to-left languages."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from .direction import ArtDirection, TypeStyle
from .typeset import Fit, Placed, Text, Typesetter

__all__ = ["Box", "Page", "Setting"]


@dataclass(frozen=True)
class Box:
    """A rectangle in px; y grows downward."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2

    def inset(self, dx: float, dy: float | None = None) -> Box:
        dy = dx if dy is None else dy
        return Box(self.x + dx, self.y + dy, max(1.0, self.w - 2 * dx), max(1.0, self.h - 2 * dy))

    def top(self, h: float) -> Box:
        return Box(self.x, self.y, self.w, h)

    def below(self, h: float) -> Box:
        return Box(self.x, self.y + h, self.w, max(1.0, self.h - h))

    def left(self, w: float) -> Box:
        return Box(self.x, self.y, w, self.h)

    def after(self, w: float) -> Box:
        return Box(self.x + w, self.y, max(1.0, self.w - w), self.h)

    def grid(self, columns: int, rows: int, gap: float, gap_y: float | None = None) -> list[Box]:
        """Cells in reading order."""
        gy = gap if gap_y is None else gap_y
        w = (self.w - gap * (columns - 1)) / columns
        h = (self.h - gy * (rows - 1)) / rows
        return [Box(self.x + c * (w + gap), self.y + r * (h + gy), w, h) for r in range(rows) for c in range(columns)]

    def overlaps(self, other: Box, slack: float = 0.5) -> bool:
        return (
            self.x + slack < other.right and other.x + slack < self.right
            and self.y + slack < other.bottom and other.y + slack < self.bottom
        )  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What is the same for every text on the page."""

    typesetter: Typesetter
    language: str
    rtl: bool


@dataclass
class Page:
    """Collects marks (SVG fragments in px) and placed texts. `unit` is 1/1000 of the geometric mean of the sides."""

    w: int
    h: int
    art: ArtDirection
    setting: Setting
    marks: list[str] = field(default_factory=list)
    texts: list[tuple[Placed, Box, str]] = field(default_factory=list)
    reserved: list[Box] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def unit(self) -> float:
        return float((self.w * self.h) ** 0.5 / 1000)

    @property
    def box(self) -> Box:
        return Box(0, 0, self.w, self.h)

    def smallest(self, role: str) -> float:
        """The least size in px at which text of that role is still legible."""
        floor = {"title": 20, "label": 14.5, "number": 20, "quote": 20}.get(role, 12.5)
        return max(8.0, floor * min(self.unit, 1.6))

    def flip(self, box: Box) -> Box:
        return Box(self.w - box.right, box.y, box.w, box.h) if self.setting.rtl else box

    def fit(self, texts: Sequence[Text]) -> dict[str, Fit]:
        """Fits texts; what had to be cut is noted. Empty texts are left out of the answer."""
        wanted = [t for t in texts if t.text]
        found = self.setting.typesetter.fit(wanted, self.setting.language) if wanted else {}
        for text in wanted:
            fit = found.get(text.id)
            if fit is None:
                self.notes.append(f"no room for the text {text.text[:60]!r}, left out: ask for a larger image")
            elif not fit.whole:
                self.notes.append(f"text shortened to fit the image: {text.text[:60]!r}")
        return found

    def text(
        self, fit: Fit | None, box: Box, color: str, align: str = "start", valign: str = "top", on: str = ""
    ) -> Box:
        """Places a fitted text in its box and gives the box that it covers. `on` is the color beneath, where known."""
        if fit is None:
            return Box(box.x, box.y, 0, 0)
        free = box.w - fit.width
        x = box.x + {"start": 0.0, "center": free / 2, "end": free}[align]
        y = box.y + {"top": 0.0, "middle": (box.h - fit.height) / 2, "bottom": box.h - fit.height}[valign]
        area = self.flip(Box(x, y, fit.width, fit.height))
        self.texts.append((Placed(fit, area.x, area.y, color, align), area, on))
        return Box(x, y, fit.width, fit.height)

    def rect(
        self,
        box: Box,
        fill: str,
        radius: float = 0.0,
        stroke: str = "",
        width: float = 0.0,
        opacity: float = 1.0,
        extra: str = "",
    ) -> None:
        b = self.flip(box)
        line = f' stroke="{stroke}" stroke-width="{width:.2f}"' if stroke else ""
        self.marks.append(
            f'<rect x="{b.x:.2f}" y="{b.y:.2f}" width="{b.w:.2f}" height="{b.h:.2f}" rx="{radius:.2f}" fill="{fill or "none"}"'
            f'{line} opacity="{opacity:.3f}" {extra}/>'
        )

    def circle(
        self,
        cx: float,
        cy: float,
        r: float,
        fill: str,
        stroke: str = "",
        width: float = 0.0,
        opacity: float = 1.0,
        extra: str = "",
    ) -> None:
        cx = self.w - cx if self.setting.rtl else cx
        line = f' stroke="{stroke}" stroke-width="{width:.2f}"' if stroke else ""
        self.marks.append(
            f'<circle cx="{cx:.2f}" cy="{cy:.2f}" r="{r:.2f}" fill="{fill or "none"}"{line} opacity="{opacity:.3f}" {extra}/>'
        )

    def line(
        self, points: Sequence[tuple[float, float]], stroke: str, width: float, dash: str = "", opacity: float = 1.0
    ) -> None:
        path = " ".join(f"{self.w - x if self.setting.rtl else x:.2f},{y:.2f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width:.2f}" stroke-linecap="round" '
            f'stroke-linejoin="round" opacity="{opacity:.3f}"{dashes}/>'
        )

    def svg(self, fragment: str, mirrored: bool = False) -> None:
        """A fragment in page coordinates; `mirrored` turns it over for right-to-left pages."""
        if mirrored and self.setting.rtl:
            fragment = f'<g transform="translate({self.w} 0) scale(-1 1)">{fragment}</g>'
        self.marks.append(fragment)

    def style(self, role: str) -> TypeStyle:
        return self.art.type[role]

    def document(self, defs: str = "") -> str:
        title = escape(self.art.name)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.w}" height="{self.h}" viewBox="0 0 {self.w} {self.h}">'
            f"<title>{title}</title><defs>{defs}</defs>{''.join(self.marks)}</svg>"
        )
