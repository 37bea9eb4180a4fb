"""What identity answers to staff who manage the brand."""

import msgspec

from services.portal.branding import Brand, Theme
from shared.language import gettext as _
from shared.language import marked

COLOURS = "/brand/colours.css"
CALLED = {
    "name": marked("name"),
    "accent": marked("accent"),
    "accent_dark": marked("accent in the dark theme"),
    "texts": marked("words"),
    "logo_id": marked("logo"),
}
"""What a draft changes, in words; the icon follows from the logo."""


class Contrast(msgspec.Struct, frozen=True):
    """Whether an accent is seen in one theme, and the nearest that is."""

    passes: bool
    ratio: float
    nearest: str


class Draft(Brand, frozen=True, kw_only=True):
    """`GET brand/draft`. Pages can be shown with it as with the brand."""

    accent: str
    accent_dark: str | None = None
    contrast: dict[Theme, Contrast]
    changed: list[str]
    edition: int = msgspec.field(name="version", default=0)

    @property
    def stylesheet(self) -> str:
        return COLOURS

    @property
    def changes(self) -> list[str]:
        """What differs from what everybody sees, in words."""
        return [_(CALLED[name]) for name in self.changed if name in CALLED]

    @property
    def faint(self) -> dict[Theme, Contrast]:
        """The themes in which the accent as it was chosen is not seen."""
        return {theme: each for theme, each in self.contrast.items() if not each.passes}
