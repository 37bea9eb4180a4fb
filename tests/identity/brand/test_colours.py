"""Whatever accent a company has, its pages can be read in both themes."""

import random
import re
from pathlib import Path

from services.identity.brand.colours import GROUNDS, READ, SEEN, THEMES, contrast_of, nearest, palette, ratio_of

TOKENS = Path(__file__).parent.parent.parent.parent / "services/portal/static/css/tokens.css"
EXTREMES = ["#000000", "#ffffff", "#ffee00", "#00ff00", "#0000ff", "#ff0000", "#808080", "#1a2b5c", "#4338ca"]


def colours() -> list[str]:
    chance = random.Random(7)
    return EXTREMES + [f"#{chance.randrange(1 << 24):06x}" for _ in range(150)]


def test_every_accent_has_a_palette_that_is_seen_and_read_in_both_themes() -> None:
    faint: list[str] = []
    for accent in colours():
        for theme in THEMES:
            made = palette(accent, theme)
            if min(ratio_of(made.accent, each) for each in GROUNDS[theme]) < SEEN:
                faint.append(f"{accent} {theme}: button")
            if min(ratio_of(made.ink, each) for each in (*GROUNDS[theme], made.soft)) < READ:
                faint.append(f"{accent} {theme}: text")
            if ratio_of(made.on_accent, made.accent) < READ:
                faint.append(f"{accent} {theme}: text on a button")
    assert faint == []


def test_what_passes_stays_and_what_does_not_moves_no_further_than_it_has_to() -> None:
    for accent in colours():
        for theme in THEMES:
            said = contrast_of(accent, theme)
            assert said.passes == (said.nearest == accent) == (said.ratio >= SEEN)
            assert contrast_of(said.nearest, theme).passes
            if not said.passes and accent not in ("#000000", "#ffffff"):
                assert contrast_of(said.nearest, theme).ratio < SEEN + 0.25, accent


def test_the_nearest_has_the_same_hue() -> None:
    """A yellow becomes a dark yellow, a navy a lighter blue."""
    assert (nearest("#ffee00", "light"), nearest("#ffee00", "dark")) == ("#988e18", "#ffee00")
    assert (nearest("#1a2b5c", "light"), nearest("#1a2b5c", "dark")) == ("#1a2b5c", "#566ca3")


def test_the_grounds_are_those_of_the_pages() -> None:
    found = {
        name: pair
        for name, *pair in re.findall(
            r"--(surface|canvas|sunken): light-dark\((#\w{6}), (#\w{6})\)", TOKENS.read_text()
        )
    }
    for at, theme in enumerate(THEMES):
        assert set(GROUNDS[theme]) == {pair[at] for pair in found.values()}
