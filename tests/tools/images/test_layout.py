# ruff: noqa: E501 (specs read best in long lines)
"""What no page may ever do: overflow, overlap, drop text in silence, or set type that cannot be read."""

from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from safelight.tools.images.canvas.direction import directions
from safelight.tools.images.canvas.render import draw
from safelight.tools.images.canvas.typeset import Typesetter
from safelight.tools.images.spec import Chart, ImageSpec, Item, Role, Size, StyleSheet

TYPESETTER = Typesetter()
ROLES = get_args(Role)
DIRECTIONS = sorted(directions())


def check(spec, drawn):
    """Every text inside the page, none over another, each at 4.5:1."""
    for area in drawn.areas:
        assert -1 <= area.box.x <= area.box.right <= spec.size.width + 1, area
        assert -1 <= area.box.y <= area.box.bottom <= spec.size.height + 1, area
        assert area.contrast >= 4.5, area
        assert area.size >= 6.5, area
    for i, one in enumerate(drawn.areas):
        for other in drawn.areas[i + 1 :]:
            assert not one.box.overlaps(other.box, 1.0), (one, other)


def sample(role, **changes):
    values = {
        "index": 1,
        "of": 4,
        "role": role,
        "prompt": "how bread is baked",
        "title": "How bread is baked",
        "subtitle": "From the field to the table",
        "subject": "bread wheat",
        "caption": "Source: the baker next door",
        "quote": "All sorrows are less with bread." if role == "quote" else "",
        "items": tuple(
            Item(label=label, detail=detail, icon=icon, value=value)
            for label, detail, icon, value in [
                ("Mix", "Flour, water, salt and yeast come together.", "bowl", "10 min"),
                ("Rest", "The dough doubles while nobody looks.", "clock", "2 h"),
                ("Bake", "A hot oven makes the crust.", "flame", "45 min"),
            ]
        )
        if role not in {"cover", "scene", "quote"}
        else (),
        "chart": Chart(categories=("Mon", "Tue", "Wed"), series={"Loaves": (12, 18, 9)}) if role == "chart" else None,
        "size": Size(width=640, height=640),
    }
    return ImageSpec(**{**values, **changes})


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sets_exactly_its_text(role):
    spec = sample(role)
    drawn = draw(spec, StyleSheet(direction=DIRECTIONS[ROLES.index(role) % 8]), 0, TYPESETTER)
    check(spec, drawn)
    assert not drawn.notes
    shown = " ".join(area.string.lower() for area in drawn.areas)
    for text in spec.texts():
        assert text.lower() in shown, text
    assert "2/4" in shown


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("w", "h"), [(480, 480), (400, 1100), (1100, 400)])
def test_every_direction_at_extreme_aspects(direction, w, h):
    for role in ("cover", "step"):
        spec = sample(role, size=Size(width=w, height=h))
        check(spec, draw(spec, StyleSheet(direction=direction, seed=w), 1, TYPESETTER))


@pytest.mark.parametrize("kind", ["bar", "line", "pie", "scatter"])
def test_charts_with_one_or_many_values(kind):
    for n, m in ((1, 1), (3, 2), (12, 1), (12, 4), (30, 1)):
        chart = Chart(
            kind=kind,
            x_title="Year",
            y_title="Tonnes",
            categories=tuple(f"{1990 + i}" for i in range(n)),
            series={f"Series {j}": tuple(float((i * 7 + j * 3) % 11) * 1234.5 for i in range(n)) for j in range(m)},
        )
        spec = sample("chart", chart=chart, items=(), size=Size(width=800, height=700))
        check(spec, draw(spec, StyleSheet(direction="blueprint"), 0, TYPESETTER))


def test_negative_and_equal_values_are_drawn():
    for values in ((-5.0, 3.0, -1.0), (0.0, 0.0, 0.0), (1e9, 2e9, 3e9)):
        for kind in ("bar", "line"):
            chart = Chart(kind=kind, categories=("a", "b", "c"), series={"s": values})
            spec = sample("chart", chart=chart, items=())
            check(spec, draw(spec, StyleSheet(), 0, TYPESETTER))


def test_what_has_no_room_is_said_never_dropped_in_silence():
    items = tuple(Item(label=f"Entry number {i}", detail="A detail that takes some room. " * 3) for i in range(40))
    spec = sample("list", items=items, size=Size(width=320, height=320))
    drawn = draw(spec, StyleSheet(), 0, TYPESETTER)
    check(spec, drawn)
    shown = {area.string for area in drawn.areas}
    missing = [item for item in items if item.label not in shown]
    assert missing
    assert any("left out" in note or "shortened" in note for note in drawn.notes)


def test_very_long_title_is_cut_with_a_note_and_an_ellipsis():
    spec = sample("cover", title="word " * 1000, size=Size(width=300, height=300))
    drawn = draw(spec, StyleSheet(), 0, TYPESETTER)
    check(spec, drawn)
    title = next(area for area in drawn.areas if area.id == "title")
    assert title.string.endswith("…")
    assert any("shortened" in note for note in drawn.notes)


def test_titles_have_no_widows():
    """No title ends on a lone short word below a full line: lines are balanced."""
    for title in (
        "How vaccines are made and why",
        "The history of the bicycle in five acts",
        "A visual guide to the water cycle for all",
    ):
        spec = sample("cover", title=title, size=Size(width=700, height=700))
        drawn = draw(spec, StyleSheet(direction="editorial"), 0, TYPESETTER)
        area = next(a for a in drawn.areas if a.id == "title")
        lines = round(area.box.h / (area.size * 1.06))
        if lines > 1:
            # Balanced text fills its box: n lines of it take not much more than the text's own length.
            estimate = len(title) * area.size * 0.5
            assert area.box.w * lines < estimate * 1.75


def test_emoji_become_icons_and_are_reported():
    spec = sample("step", items=(Item(label="Launch 🚀 day"), Item(label="Rest")))
    drawn = draw(spec, StyleSheet(direction="playful"), 0, TYPESETTER)
    assert any("🚀" in note for note in drawn.notes)
    assert any(area.string == "Launch day" for area in drawn.areas)


WORDS = st.sampled_from(
    ["light", "a", "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz", "3.14", "https://example.org/a/very/long/path",
     "café", "naïve", "🎉", "Ω", "вода", "و", "שלום", "日本語", "ไทย", "हिन्दी", "COVID-19", "100%", "—", "\u202e", "\u200b"]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=14).map(" ".join)
ITEMS = st.lists(
    st.builds(
        Item,
        label=TEXT,
        detail=TEXT,
        value=st.sampled_from(["", "42", "1999", "12 345 t"]),
        icon=st.sampled_from(["", "sun", "zzz"]),
    ),
    max_size=40,
)


@settings(
    max_examples=14,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    role=st.sampled_from(ROLES),
    direction=st.sampled_from(DIRECTIONS),
    language=st.sampled_from(["en", "ar", "he", "ja", "th", "hi", "ru"]),
    size=st.sampled_from([(256, 256), (360, 640), (640, 360), (300, 900), (900, 300), (700, 700)]),
    title=TEXT, subtitle=TEXT, caption=TEXT, quote=TEXT, items=ITEMS, seed=st.integers(0, 99),
)  # fmt: skip
def test_no_page_overflows_whatever_the_text(
    role, direction, language, size, title, subtitle, caption, quote, items, seed
):
    spec = ImageSpec(
        index=0, of=3, role=role, prompt="x", title=title, subtitle=subtitle, caption=caption, quote=quote, items=tuple(items),
        subject="tree", language=language, size=Size(width=size[0], height=size[1]),
    )  # fmt: skip
    check(spec, draw(spec, StyleSheet(direction=direction, seed=seed), seed, TYPESETTER))
