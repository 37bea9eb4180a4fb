"""What identity answers about the person's own sign-in methods and sessions."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.language import gettext as _


def named(browser: str | None, platform: str | None) -> str:
    """Firefox 131 on Windows 10, as far as its browser told."""
    if browser and platform:
        return _("{browser} on {platform}", browser=browser, platform=platform)
    return browser or platform or ""


class SignInMethod(msgspec.Struct, frozen=True):
    """One of the four; `accepted` where it lets the person in, `set_up` where they have what it takes."""

    method: str
    accepted: bool
    set_up: bool


class SignInMethods(msgspec.Struct, frozen=True):
    """The person's own (`GET auth/sign-in-methods`); `managed_here`: this is where they change them."""

    items: list[SignInMethod]
    managed_here: bool = True

    def accepts(self, *methods: str) -> bool:
        """Whether one of these lets the person in."""
        return any(each.accepted for each in self.items if each.method in methods)

    def has(self, method: str) -> bool:
        """Whether the person has set this one up."""
        return any(each.set_up for each in self.items if each.method == method)


class Revoked(msgspec.Struct, frozen=True):
    """How many sessions were ended (`POST sessions/revoke-others`)."""

    revoked: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser in which the person is signed in (`GET sessions`); `device` is desktop, mobile or tablet.

    `ends_at` is when it ends unless it is used before; `method` how it began.
    """

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ip: str
    device: str
    browser: str
    platform: str
    current: bool
    method: str = ""
    ends_at: datetime | None = None

    @property
    def name(self) -> str:
        return named(self.browser, self.platform) or _("Unknown browser")


class Sessions(msgspec.Struct, frozen=True):
    items: list[Session]
