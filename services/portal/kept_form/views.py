"""How a form waits: compressed, sealed for one person with the portal's key, and cut into cookies."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from litestar.datastructures import Cookie

from services.portal.answers import Organisation
from services.portal.cookies import cookie
from services.portal.forms import Inputs, carried, said
from services.portal.look import whose_in
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
    title: str = ""
    """Of the page it was on; "" where that had none."""

    @property
    def said(self) -> list[tuple[str, str]]:
        """What its person wrote into it."""
        return said(self.fields)


class Waiting(msgspec.Struct, frozen=True):
    """A form of who reads a page. `there` is the other one of their organisations that it belongs to."""

    kept: Kept
    there: Organisation | None


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

    def find(self, page: Page) -> Waiting | None:
        """The form that waits in this browser for who reads `page`: where they are, or in another organisation that the
        page knows to be theirs. None if another's, old or changed.
        """
        if not is_there(page):
            return None
        if kept := self._open(page, page.own):
            return Waiting(kept, None)
        others = [each for each in page.organisations if not each.current]
        found = ((self._open(page, whose_in(each.client_id, each.person_id)), each) for each in others)
        return next((Waiting(kept, each) for kept, each in found if kept), None)

    def _open(self, page: Page, person: str) -> Kept | None:
        text = "".join(page.cookie(_name(number)) for number in range(MOST))
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            opened = self._sealer.open(sealed, _bound_to(person))
            found = msgspec.json.decode(zlib.decompress(opened), type=_Sealed)
        except (ValueError, binascii.Error, zlib.error):
            return None
        return found.kept if now() < found.until else None


def proves_for_a_page(data: Inputs) -> bool:
    """Whether it is a proof with nothing but a page behind it: that page is opened after the sign-in."""
    return "proof_next" in data and "proof_resend" not in data


async def other_organisation(page: Page, whose: str) -> Organisation | None:
    """The other organisation of the reader's that a form was opened in; None where it is somebody else's form."""
    own = await page.load_organisations(deadline=None)
    others = (each for each in own if not each.current)
    return next((each for each in others if whose_in(each.client_id, each.person_id) == whose), None)


def waiting(data: Inputs, target: str, title: str) -> Kept:
    """The form in `data`, of the page with this title. One that waited for a proof as well goes where it was heading,
    which may ask for it again.
    """
    proof_next = data.get("proof_next")
    if isinstance(proof_next, str) and proof_next:
        target = local_path(proof_next)
    return Kept(target, carried(data), title)


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
