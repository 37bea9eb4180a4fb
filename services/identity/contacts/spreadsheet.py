"""Contacts as a file for a spreadsheet program, which must not take a name for a formula (OWASP: CSV injection).

Its words are in the language that is spoken; languages are by their codes, as in the API.
"""

import csv
import re
from collections.abc import Iterable
from io import StringIO

from services.identity.contacts.queries import ContactView
from shared.addresses import shown_address
from shared.language import gettext as _
from shared.language import marked

_FORMULA = re.compile(r"(^|[,;|\t\r\n])(?=\s*[=+\-@＝＋－＠])|^(?=[\t\r\n])")
"""Where a formula begins: at the start, and after any character that a program may use to split cells."""
HEADINGS = (
    marked("First name"),
    marked("Last name"),
    marked("E-mail"),
    marked("Phone"),
    marked("Title"),
    marked("Language"),
    marked("Active"),
    marked("Primary contact"),
    marked("Portal access"),
    marked("Invitation"),
    marked("Last sign-in"),
)
INVITED = {
    "none": marked("none"),
    "waiting": marked("waiting"),
    "sent": marked("sent"),
    "failed": marked("failed"),
    "accepted": marked("accepted"),
    "expired": marked("expired"),
}


def to_csv(contacts: Iterable[ContactView]) -> bytes:
    """RFC 4180 in UTF-8, with the byte order mark by which spreadsheet programs know it."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)  # what separates cells elsewhere separates none here
    writer.writerow(map(_, HEADINGS))
    writer.writerows([neutral(cell) for cell in _cells(contact)] for contact in contacts)
    return text.getvalue().encode("utf-8-sig")


def neutral(cell: str) -> str:
    """The cell, to be shown and never computed."""
    return _FORMULA.sub(r"\1'", cell)


def _cells(contact: ContactView) -> list[str]:
    seen = contact.last_sign_in_at
    return [
        *(
            contact.first_name,
            contact.last_name,
            shown_address(contact.email or ""),
            contact.phone,
            contact.title,
            contact.language,
        ),
        *(_yes(contact.active), _yes(contact.is_primary_contact), _yes(contact.portal_access)),
        *(_(INVITED[contact.invitation.status]), seen.strftime("%Y-%m-%d %H:%M") if seen else ""),
    ]


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")
