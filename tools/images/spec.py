"""What a generator is asked to make: one `ImageSpec` an image, one `StyleSheet` for the set."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Chart", "Direction", "ImageSpec", "Item", "Role", "Size", "StyleSheet", "prompt_text"]

Role = Literal[
    "cover",
    "step",
    "comparison",
    "timeline",
    "chart",
    "diagram",
    "close_up",
    "facts",
    "summary",
    "scene",
    "quote",
    "list",
    "cycle",
    "map",
    "panels",
]
Direction = Literal["swiss", "editorial", "darkroom", "blueprint", "papercut", "chalkboard", "botanical", "playful"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Size(_Frozen):
    """Pixels. Each side 256..3840, aspect ratio within 1:3..3:1."""

    width: int = Field(ge=256, le=3840)
    height: int = Field(ge=256, le=3840)

    @property
    def aspect(self) -> float:
        return self.width / self.height


class StyleSheet(_Frozen):
    """What makes several images one series.

    `direction` is the art direction; `palette` maps roles (`paper`, `ink`, `accent`, `accent2`, `muted`) to `#rrggbb`,
    empty for the direction's own; `motif` names the recurring icon or pattern; `subjects` maps the id of each recurring
    character or object to its one description, so that it looks the same everywhere.
    """

    direction: Direction = "editorial"
    palette: dict[str, str] = Field(default_factory=dict)
    motif: str = ""
    tone: str = ""
    audience: str = ""
    subjects: dict[str, str] = Field(default_factory=dict)
    seed: int = 0


class Item(_Frozen):
    """One entry of a list, step, timeline or comparison. `icon` is a plain English noun ("syringe"), a hint only;
    `source` the id of the `Source` that the entry rests on."""

    label: str
    detail: str = ""
    icon: str = ""
    value: str = ""
    source: str | None = None


class Chart(_Frozen):
    """Data to draw, from a table that was given or read; never invented. One value a category and series."""

    kind: Literal["bar", "line", "pie", "scatter"] = "bar"
    x_title: str = ""
    y_title: str = ""
    categories: tuple[str, ...]
    series: dict[str, tuple[float, ...]]
    source: str | None = None


class ImageSpec(_Frozen):
    """One image: what it shows, and exactly which text is set in it.

    `prompt` is the full description for an image model. `title`, `subtitle`, `items`, `caption`, `footnotes` and
    `quote` are set verbatim, in `language` (ISO 639-1). `subject` is the main motif in plain English nouns. `index` is
    0-based, `of` the size of the set. `references` are blob references of input images; `edit_of` the image to be
    edited, with `instruction` saying how (`redraw`: this spec is that image's own, changed as asked, for a generator
    that draws from specs to draw anew), `mask` where (transparent pixels are redrawn), or `markup` drawn over it to
    show what is meant; not both.
    """

    index: int = Field(ge=0)
    of: int = Field(ge=1, le=8)
    role: Role = "scene"
    prompt: str
    title: str = ""
    subtitle: str = ""
    items: tuple[Item, ...] = ()
    caption: str = ""
    footnotes: tuple[str, ...] = ()
    quote: str = ""
    chart: Chart | None = None
    subject: str = ""
    icons: tuple[str, ...] = ()
    alt: str = ""
    language: str = "en"
    size: Size = Size(width=1024, height=1024)
    sources: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    edit_of: str | None = None
    mask: str | None = None
    markup: str | None = None
    instruction: str = ""
    redraw: bool = False

    def texts(self) -> tuple[str, ...]:
        """Every text that is set in the image, in reading order."""
        parts = [self.title, self.subtitle, self.quote]
        for item in self.items:
            parts += [item.value, item.label, item.detail]
        if self.chart is not None:
            parts += [self.chart.x_title, self.chart.y_title, *self.chart.categories, *self.chart.series]
        parts += [self.caption, *self.footnotes]
        return tuple(part for part in parts if part)


def prompt_text(spec: ImageSpec, style: StyleSheet) -> str:
    """The assembled generator prompt: every word that reaches a generator or the user, as its guard judges it."""
    lines = [spec.prompt]
    if spec.instruction:
        lines.append(f"Edit: {spec.instruction}")
    if shown := [name for name in (spec.subject, *spec.icons) if name]:
        lines.append(f"Shows: {', '.join(dict.fromkeys(shown))}")
    if texts := spec.texts():
        lines.append("Text to set, verbatim:")
        lines += [f"- {text}" for text in texts]
    if spec.chart is not None:
        for name, values in spec.chart.series.items():
            figures = ", ".join(f"{value:g}" for value in values)
            lines.append(f"Drawn as a {spec.chart.kind} chart: {name}: {figures}")
    if marks := [item.icon for item in spec.items if item.icon]:
        lines.append(f"Icons: {', '.join(dict.fromkeys(marks))}")
    if spec.alt:
        lines.append(f"Described as: {spec.alt}")
    lines.append(", ".join(part for part in (f"Style: {style.direction}", style.tone, style.audience) if part))
    if style.motif:
        lines.append(f"Motif: {style.motif}")
    lines += [f"{name}: {description}" for name, description in style.subjects.items()]
    return "\n".join(lines)
