"""How a form waits: compressed, sealed for one person with the portal's key, and cut into cookies."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from litestar.datastructures import Cookie

from services.portal.cookies import cookie
from services.portal.forms import Inputs, carried
from services.portal.page import Page
from services.portal.paths import local_path
from shared.clock import now
from shared.sealing import Sealer

HOME = "/kept-form"
COOKIE = "portal_form"
MOST, LONGEST = 2, 3_400
"""As many cookies, of as many letters: a browser keeps 4,096 bytes of each, and proxies in front commonly read lines of
8 KB, in which all of a site's cookies arrive.
"""
SECONDS = 3600
"""Long enough to find the mail with the link in it."""


class Kept(msgspec.Struct, frozen=True):
    """A form: where it was heading, and what was in it but what is typed again."""

    target: str
    fields: Sequence[tuple[str, str]]


class _Sealed(msgspec.Struct, frozen=True):
    """What is sealed: a browser may bring a cookie for longer than it was told to keep it."""

    kept: Kept
    until: datetime


class Forms:
    """Keeps forms, and gives them back to whom they are of."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def cookies(self, kept: Kept, person: str) -> list[Cookie] | None:
        """The cookies in which it waits for `person` (`look.whose`); None where they do not hold it."""
        lasting = _Sealed(kept, now() + timedelta(seconds=SECONDS))
        sealed = self._sealer.seal(zlib.compress(msgspec.json.encode(lasting), 9), _bound_to(person))
        text = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        parts = [text[at : at + LONGEST] for at in range(0, len(text), LONGEST)]
        if len(parts) > MOST:
            return None
        kept_in = [cookie(_name(number), part, SECONDS) for number, part in enumerate(parts)]
        return kept_in + nothing()[len(parts) :]

    def open(self, page: Page) -> Kept | None:
        """The form that waits in this browser for the person of `page`; None if another's, old or changed."""
        text = "".join(page.cookie(_name(number)) for number in range(MOST))
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            opened = self._sealer.open(sealed, _bound_to(page.own))
            found = msgspec.json.decode(zlib.decompress(opened), type=_Sealed)
        except (ValueError, binascii.Error, zlib.error):
            return None
        return found.kept if now() < found.until else None


def proves_for_a_page(data: Inputs) -> bool:
    """Whether it is a proof with nothing but a page behind it: that page is opened after the sign-in."""
    return "proof_next" in data and "proof_resend" not in data


def waiting(data: Inputs, target: str) -> Kept:
    """The form in `data`. One that waited for a proof as well goes where it was heading, which may ask for it again."""
    proof_next = data.get("proof_next")
    if isinstance(proof_next, str) and proof_next:
        target = local_path(proof_next)
    return Kept(target, carried(data))


def is_there(page: Page) -> bool:
    """Whether a form waits in this browser."""
    return bool(page.cookie(_name(0)))


def nothing() -> list[Cookie]:
    """The cookies with which no form waits any more."""
    return [cookie(_name(number), "", 0) for number in range(MOST)]


def _name(number: int) -> str:
    return f"{COOKIE}_{number}"


def _bound_to(person: str) -> bytes:
    return f"form/{person}".encode()
