"""A secret as an authenticator app takes it in: a QR code to point the camera at, or letters to type."""

import re
import unicodedata
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import msgspec
import segno
from markupsafe import Markup

from services.portal.security.two_factor.answers import Enrolment

LONGEST_URI = 600
"""A label of an address and a company, a secret, and room."""
RECOVERY_CODE = re.compile(r"[0-9A-Za-z-]{6,40}")


class Setup(msgspec.Struct, frozen=True):
    """What is shown while somebody sets up their app; `uri` travels in the form, so that a slip does not lose it."""

    uri: str
    secret: str

    @property
    def qr(self) -> Markup:
        """The address as an inline picture: black on white in every theme, as cameras want it, and no inline style."""
        drawn = BytesIO()
        code = segno.make(self.uri, error="m", micro=False)
        code.save(drawn, kind="svg", border=2, xmldecl=False, svgns=False, omitsize=True, svgclass="qr", lineclass=None)
        return Markup(drawn.getvalue().decode().strip())  # noqa: S704 - made of squares

    @property
    def spoken(self) -> str:
        """The secret in groups of four, to type it by hand."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def begun(made: Enrolment) -> Setup:
    return Setup(made.uri, made.secret)


def carried(uri: str) -> Setup | None:
    """The set-up that came back with its form; None for anything else."""
    if len(uri) > LONGEST_URI or not uri.startswith("otpauth://totp/"):
        return None
    secret = parse_qs(urlsplit(uri).query).get("secret", [""])[0]
    return Setup(uri, secret) if secret else None


def typed_code(typed: str) -> str:
    """A code as it was meant: letters and digits in their plain form and lower case, without the number of its line in
    a list, and the spaces, quotes and dashes that apps, mails, print-outs and the clipboard put in and around it.
    """
    plain = re.sub(r"^\W*[0-9]{1,2}[.)]\s", "", unicodedata.normalize("NFKC", typed))
    return re.sub(r"[^0-9a-z]", "", plain.lower())


def digits(typed: str) -> str:
    """A code that is all digits: of words around it nothing stays either."""
    return re.sub(r"[^0-9]", "", typed_code(typed))


def recovery_codes(typed: str) -> list[str]:
    """The codes of a form's one field; what is no code is left out."""
    return [code for code in typed.split() if RECOVERY_CODE.fullmatch(code)]
