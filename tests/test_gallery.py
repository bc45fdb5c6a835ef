"""The gallery holds what its page promises: 24 briefs, each planned and shown."""

import runpy
from collections import Counter
from pathlib import Path

import pytest

from safelight.agent.embedded.language import identify

from .agent.conftest import planned

ROOT = Path(__file__).parent.parent
BRIEFS = runpy.run_path(str(ROOT / "examples" / "gallery" / "briefs.py"))["BRIEFS"]


def test_three_for_each_direction_in_six_languages() -> None:
    assert len(BRIEFS) == 24
    assert set(Counter(piece.style for piece in BRIEFS.values()).values()) == {3}
    assert len({identify(piece.prompt) for piece in BRIEFS.values()}) >= 6


def test_every_sheet_is_shown_and_the_page_stays_light() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text()
    sheets = {path.stem: path.stat().st_size for path in (ROOT / "docs" / "gallery").glob("*.webp")}
    assert set(sheets) == set(BRIEFS)
    assert sum(sheets.values()) < 4_000_000
    for name, piece in BRIEFS.items():
        assert f"gallery/{name}.webp" in page
        assert piece.prompt in page


@pytest.mark.parametrize("name", sorted(BRIEFS))
async def test_every_brief_is_planned_as_asked(name: str) -> None:
    piece = BRIEFS[name]
    made = await planned(piece.prompt, n=piece.n, size=piece.size, style=piece.style)
    assert made.style.direction == piece.style
    assert len(made.images) == (piece.n or 1)
    titles = [spec.title for spec in made.images if spec.title]
    assert len(titles) == len(set(titles))
