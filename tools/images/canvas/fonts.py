"""Fonts out of installed packages, never from the system, so that pixels are the same everywhere.

All are under the SIL Open Font License 1.1. `stack` says in which order families are tried for a language; `covered`
whether every character has a glyph in them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ....errors import ConfigError

__all__ = ["LICENSE", "covered", "directories", "stack"]

LICENSE = "Fonts: SIL Open Font License 1.1"

_CJK = ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold")
_CJK_FAMILY = "Noto Sans CJK JP"
_SLUGS = (
    "amiri", "cairo", "caveat", "cormorant-garamond", "eb-garamond", "frank-ruhl-libre", "fraunces", "fredoka", "heebo",
    "inter", "jetbrains-mono", "noto-sans", "noto-sans-arabic", "noto-sans-devanagari", "noto-sans-thai", "noto-serif",
    "nunito", "oswald", "playfair-display", "source-serif-4", "space-grotesk",
)  # fmt: skip

_SERIF = frozenset({"Playfair Display", "Source Serif 4", "Cormorant Garamond", "EB Garamond", "Fraunces"})
_DISPLAY = frozenset({"Playfair Display", "Cormorant Garamond"})
# Faces whose figures would stand apart amid Chinese, Japanese or Korean.
_DISPLAY_LATIN = frozenset({"Caveat", "Fredoka", "Oswald", "Playfair Display", "Cormorant Garamond", "Fraunces"})
# What stands in where the family lacks Cyrillic or Greek, nearest in character first.
_STAND_IN = {
    "Fraunces": ("Playfair Display", "Noto Serif"),
    "Fredoka": ("Nunito",),
    "Space Grotesk": ("Inter",),
    "Oswald": ("Inter",),
    "Caveat": ("Nunito",),
    "Playfair Display": ("Noto Serif",),
    "Cormorant Garamond": ("EB Garamond",),
}


def _missing(what: str) -> ConfigError:
    return ConfigError(f"{what} is not installed: pip install 'safelight[embedded]'")


@cache
def _files() -> dict[str, tuple[Path, ...]]:
    """Font files by package slug."""
    try:
        fontpkg: Any = import_module("fontpkg")
    except ImportError:
        raise _missing("fontpkg") from None
    installed = {}
    for slug in _SLUGS:
        try:
            installed[slug] = tuple(file.path for file in fontpkg.family(slug).files)
        except fontpkg.FontpkgError:
            raise _missing(f"fontpkg-{slug}") from None
    for module in _CJK:
        try:
            installed[module] = tuple(Path(str(import_module(module).__file__)).parent.glob("*.otf"))
        except ImportError:
            raise _missing(module.replace("_", "-")) from None
    return installed


@cache
def directories() -> tuple[str, ...]:
    """The folders that hold the fonts, sorted. Raises `ConfigError` where a package is missing."""
    return tuple(sorted({str(path.parent) for paths in _files().values() for path in paths}))


@cache
def stack(family: str, language: str) -> tuple[str, ...]:
    """Font families in the order in which a glyph of text in `language` is looked for."""
    serif = family in _SERIF
    latin = (family, *_STAND_IN.get(family, ()), "Noto Serif" if serif else "Noto Sans")
    # Amiri is a book face, small for its size: it sets display lines only.
    arabic = (
        "Amiri"
        if family in _DISPLAY
        else ("Cairo" if family in {"Fredoka", "Nunito", "Oswald"} else "Noto Sans Arabic")
    )
    hebrew = "Frank Ruhl Libre" if serif else "Heebo"
    others = [hebrew, arabic, "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", _CJK_FAMILY, "Noto Sans"]
    # Figures amid such signs are set in the face of these.
    if family in _DISPLAY_LATIN and language in {
        "ja",
        "zh",
        "ko",
    }:
        latin = (_CJK_FAMILY,)
    first = {"ar": [arabic], "fa": ["Noto Sans Arabic"], "ur": ["Noto Sans Arabic"], "he": [hebrew]}.get(language, [])
    return tuple(dict.fromkeys([*first, *latin, *others, "JetBrains Mono"]))


@cache
def _repertoire() -> frozenset[int]:
    """Every code point that some bundled font draws."""
    try:
        ttlib: Any = import_module("fontTools.ttLib")
    except ImportError:
        raise _missing("fonttools") from None
    points: set[int] = set()
    for paths in _files().values():
        for path in paths[:1]:
            with ttlib.TTFont(path, lazy=True) as font:
                points.update(font.getBestCmap())
    return frozenset(points)


def covered(text: str) -> frozenset[str]:
    """The characters of `text` that a bundled font can draw. Latin-1 costs nothing, the rest loads the tables once."""
    rest = {c for c in text if not (" " <= c <= "~" or "\u00a1" <= c <= "\u00ff")}
    easy = frozenset(c for c in text if c not in rest)
    if not rest:
        return easy
    points = _repertoire()
    return easy | {c for c in rest if ord(c) in points}
