"""Which accent can be seen and read on the pages, in the light and in the dark (WCAG 2.2, 1.4.3 and 1.4.11).

The nearest colour is looked for in OKLab, where equal steps look equal: the hue stays, lightness moves, and of the
chroma there is as much as a screen can show.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Colour = Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}$(?!\n)")]
"""`#rrggbb`, in small letters."""
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
GROUNDS: dict[Theme, tuple[str, ...]] = {
    "light": ("#ffffff", "#f6f7f9", "#f0f2f5"),
    "dark": ("#0f1216", "#171b21", "#1f242c"),
}
"""What an accent lies on: surface, canvas and what is sunken, as in the portal's `tokens.css`."""
SEEN, READ = 3.0, 4.5
"""The least contrast of what marks something, and of text."""
TINT: dict[Theme, float] = {"light": 0.09, "dark": 0.22}
"""So much of the accent is in a tinted ground."""
HOVER = 0.05
STEP = 0.004
_Lab = tuple[float, float, float]


class Palette(msgspec.Struct, frozen=True):
    """The colours of one theme: a button, the same under the pointer, text, a tinted ground, and text on a button."""

    accent: Colour
    hover: Colour
    ink: Colour
    soft: Colour
    on_accent: Colour


class Contrast(msgspec.Struct, frozen=True):
    """Whether an accent is seen in one theme, with the least contrast it has there, and the nearest that is."""

    passes: bool
    ratio: float
    nearest: Colour


def contrast_of(accent: str, theme: Theme) -> Contrast:
    """What becomes of an accent in a theme."""
    ratio = min(ratio_of(accent, ground) for ground in GROUNDS[theme])
    # Rounded down: nobody reads 3.0 beside "too little".
    return Contrast(ratio >= SEEN, int(ratio * 100) / 100, nearest(accent, theme))


def nearest(accent: str, theme: Theme) -> str:
    """The colour like `accent` that is seen in a theme; itself where it is."""
    return _towards(accent, theme, lambda each: all(ratio_of(each, ground) >= SEEN for ground in GROUNDS[theme]))


@lru_cache(64)
def palette(accent: str, theme: Theme) -> Palette:
    """All colours that follow from an accent. Text in them can be read on every ground."""
    button = nearest(accent, theme)
    surface = GROUNDS[theme][0] if theme == "light" else GROUNDS[theme][1]
    soft = _mixed(button, surface, TINT[theme])
    grounds = (*GROUNDS[theme], soft)
    ink = _towards(button, theme, lambda each: all(ratio_of(each, ground) >= READ for ground in grounds))
    on_accent = readable_on(button)
    lightness, a, b = _lab(button)
    away = HOVER if on_accent == "#000000" else -HOVER  # from the text on it, where there is room
    return Palette(
        accent=button,
        hover=_hex((lightness + (away if 0 <= lightness + away <= 1 else -away), a, b)),
        ink=ink,
        soft=soft,
        on_accent=on_accent,
    )


def readable_on(colour: str) -> str:
    """Black or white, whichever can be read better on it. One of the two always can."""
    return max("#ffffff", "#000000", key=lambda each: ratio_of(each, colour))


def ratio_of(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _towards(colour: str, theme: Theme, fits: Callable[[str], bool]) -> str:
    return next((each for each in _shades(colour, theme) if fits(each)), "#000000" if theme == "light" else "#ffffff")


def _shades(colour: str, theme: Theme) -> Iterator[str]:
    """The colour, and then ever darker ones in the light, ever lighter ones in the dark."""
    yield colour
    lightness, a, b = _lab(colour)
    while lightness > 0 if theme == "light" else lightness < 1:
        lightness = max(lightness - STEP, 0.0) if theme == "light" else min(lightness + STEP, 1.0)
        yield _hex((lightness, a, b))


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> tuple[float, float, float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def _mixed(colour: str, ground: str, share: float) -> str:
    pairs = [(int(colour[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(one * share + other * (1 - share)):02x}" for one, other in pairs)


def _lab(colour: str) -> _Lab:
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _hex(lab: _Lab) -> str:
    """The colour on a screen, with less chroma where a screen has no such colour."""
    lightness, a, b = lab
    ever_grayer = (_rgb((lightness, a * share / 20, b * share / 20)) for share in range(20, 0, -1))
    parts = next(
        (each for each in ever_grayer if all(-0.0005 <= part <= 1.0005 for part in each)), _rgb((lightness, 0, 0))
    )
    return "#" + "".join(f"{round(255 * _encoded(min(max(part, 0.0), 1.0))):02x}" for part in parts)


def _rgb(lab: _Lab) -> tuple[float, float, float]:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _encoded(part: float) -> float:
    return part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
