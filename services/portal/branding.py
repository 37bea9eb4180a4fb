"""What the company looks like, as this process knows it.

It is asked beside the requests: no page waits for it, and where identity does not answer pages look as they did.
"""

import asyncio
import hashlib
from collections.abc import Callable
from html import escape
from typing import Annotated, Literal
from uuid import UUID

import aiohttp
import msgspec
from msgspec import Meta

from services.portal.formats import initials
from services.portal.services import BASE, READING

SECONDS = 5.0
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}$(?!\n)")]
"""Checked here as well: it stands in a style sheet."""
Theme = Literal["light", "dark"]
Ground = Literal["light", "dark", "own"]
"""What a logo is seen on, or its own ground."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="{accent}"/>'
    '<text x="16" y="21.5" font-family="Inter,system-ui,sans-serif" font-size="15" font-weight="600" fill="{on}"'
    ' text-anchor="middle">{letters}</text></svg>'
)


class Palette(msgspec.Struct, frozen=True):
    """The colours of one theme."""

    accent: Colour
    hover: Colour
    ink: Colour
    soft: Colour
    on_accent: Colour


class Asked(msgspec.Struct, frozen=True):
    """The one of the staff who is to be asked."""

    id: UUID
    name: str
    email: str | None = None
    phone: str = ""


class Said(msgspec.Struct, frozen=True):
    """What one language says before people sign in."""

    welcome: str = ""
    ask: Asked | None = None


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """`GET brand`. Without `palettes` the colours are those of `tokens.css`."""

    name: str
    logo_id: str | None = None
    logo_ground: Ground = "light"
    icon_id: str | None = None
    palettes: dict[Theme, Palette] = {}
    texts: dict[str, Said] = {}

    @property
    def logo(self) -> str:
        """Where a browser finds the logo; "" without one."""
        return f"/api/client-portal/brand/images/{self.logo_id}" if self.logo_id else ""

    @property
    def version(self) -> str:
        """Another one for another name and other colours."""
        return hashlib.sha256(msgspec.json.encode([self.name, self.palettes])).hexdigest()[:12]

    @property
    def icon(self) -> str:
        """Where a browser finds the icon of a tab: the logo's, or the initials on the accent."""
        found = f"/api/client-portal/brand/images/{self.icon_id}" if self.icon_id else ""
        return found or f"/static/brand/{self.version}/icon.svg"

    @property
    def stylesheet(self) -> str:
        """Where a browser finds the colours; "" where they are those of the design."""
        return f"/static/brand/{self.version}/colours.css" if self.palettes else ""

    def said(self, language: str) -> Said:
        """What is said in a language, or in the first one that says anything."""
        return self.texts.get(language) or next(iter(self.texts.values()), Said())

    def colours(self, scope: str = ":root") -> str:
        """The style sheet of the colours, for what `scope` selects."""
        light, dark = self.palettes["light"], self.palettes["dark"]
        pairs = {
            "accent": (light.accent, dark.accent),
            "accent-hover": (light.hover, dark.hover),
            "accent-ink": (light.ink, dark.ink),
            "accent-soft": (light.soft, dark.soft),
            "on-accent": (light.on_accent, dark.on_accent),
        }
        own = "".join(f"--{name}:light-dark({pair[0]},{pair[1]});" for name, pair in pairs.items())
        # Named again where they are scoped: elsewhere they have taken over the values of the page.
        derived = "--primary:var(--accent);--primary-fg:var(--on-accent);--link-color:var(--accent-ink);"
        return f"{scope}{{{own}{derived}--link-hover-color:var(--accent-ink)}}\n"

    def drawn_icon(self) -> str:
        """The initials on the accent, as SVG: of our own making, from two letters and two colours."""
        light = self.palettes.get("light")
        accent, on = (light.accent, light.on_accent) if light else ("#4338ca", "#ffffff")
        return ICON.format(accent=accent, on=on, letters=escape(initials(self.name)))


class Branding:
    """The brand that everybody sees now. `shown` is called with it at first, and with every other one."""

    def __init__(self, company: str, shown: Callable[[Brand], None]) -> None:
        self._shown = shown
        self.show(Brand(name=company))

    def show(self, brand: Brand) -> None:
        """Look like this from now on."""
        self.brand = brand
        self._shown(brand)

    async def run(self, http: aiohttp.ClientSession, identity: str) -> None:
        """Ask every few seconds, until cancelled."""
        while True:
            await self.ask(http, identity)
            await asyncio.sleep(SECONDS)

    async def ask(self, http: aiohttp.ClientSession, identity: str) -> None:
        """Ask now. Where nobody answers it looks as it did."""
        try:
            async with http.get(f"{identity}{BASE}brand", timeout=READING) as answer:
                found = msgspec.json.decode(await answer.read(), type=Brand) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            return
        if found and found != self.brand:
            self.show(found)
