"""How mails read: their texts in the language of who reads them, in the one layout, as text and as HTML."""

from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.identity.brand.colours import readable_on
from services.identity.mails.headers import WRITTEN, mailbox
from services.identity.mails.models import KINDS, Draft, Letter
from services.identity.mails.wording import (
    address,
    device,
    duration,
    host,
    moment,
    name,
    network_address,
    plain,
    sentence,
    title,
)
from shared.language import gettext, ngettext, read, speaking
from shared.texts import ISOLATES

HERE = Path(__file__).parent
LANGUAGES = read(HERE.parent)
LOGO = "logo"
LINES = ("subject", "greeting", "button", "button_fails", "code_below", "code_alone", "questions", "note", "choices")
"""The parts of a mail that are one line; the others are paragraphs."""
FORMS: dict[str, Callable[[str], str]] = {
    "device": device, "ip": network_address, "new": address, "at": str, "sentence": sentence, "detail": sentence,
    "project": title, "client": title, "host": host,
}  # fmt: skip
"""The words of mails that are no names. `at` is a moment in ISO 8601, and read as one.
All others have to be names.
"""


class Look(msgspec.Struct, frozen=True):
    """In whose name a letter is written: the colour of the button, `#rrggbb`, a logo, a PNG, and by language a welcome
    and who is to be asked, by name and address. A logo that `is_pale` is seen on a dark ground alone.
    `sender` is how whoever sends it is called; without one, as the operator set it.
    """

    company: str
    color: str
    logo: bytes | None = None
    welcome: dict[str, str] = {}
    ask: dict[str, tuple[str, str]] = {}
    is_pale: bool = False
    sender: str = ""


class Writing:
    """Writes letters in the name of the company, as it looks where it has chosen nothing else."""

    def __init__(self, *, public_url: str, sender: str, company: str, brand_color: str) -> None:
        self._public_url = public_url.rstrip("/")
        [self._sender] = WRITTEN.header_factory("From", sender).addresses
        self._look = Look(company, brand_color)
        self._layouts = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        # Each text makes plain text, whose lines are paragraphs; only the layout knows HTML.
        self._texts: Any = Environment(  # noqa: S701  (escaped by the layout)
            loader=FileSystemLoader(HERE / "texts"), undefined=StrictUndefined, extensions=["jinja2.ext.i18n"]
        )
        self._texts.policies["ext.i18n.trimmed"] = True
        self._texts.install_gettext_callables(gettext, ngettext, newstyle=True)
        self._texts.filters |= {"duration": duration, "moment": moment}

    def compose(self, letter: Letter, look: Look | None = None) -> EmailMessage:
        """The mail as text and HTML, from the same words. Each attempt with a secret has an id of its own: of two mails
        with one id, programs drop the second, whose link is the one that works.
        """
        look = look or self._look
        with speaking(letter.draft.language):
            content = self._content(letter, look)
        message = EmailMessage(policy=WRITTEN)
        message["From"] = self._from(look.sender)
        message["To"] = mailbox(letter.to)
        message["Subject"] = content["subject"]
        message["Date"] = formatdate(usegmt=True)
        host = urlsplit(self._public_url).hostname
        number = letter.attempt if letter.draft.token or letter.draft.code else 1
        message["Message-ID"] = f"<{letter.id}.{number}@{host}>"
        if thread := letter.draft.thread:  # all reply to a mail that never was (RFC 5322, 3.6.4)
            message["In-Reply-To"] = message["References"] = f"<thread.{thread}@{host}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._layouts.get_template("layout.txt").render(content))
        message.add_alternative(self._layouts.get_template("layout.html").render(content), subtype="html")
        if look.logo:
            page = cast("EmailMessage", message.get_payload(1))
            page.add_related(look.logo, "image", "png", cid=f"<{LOGO}>", disposition="inline")
        for each in letter.draft.attachments:
            kind, _, subtype = each.media_type.partition("/")
            message.add_attachment(each.content, kind, subtype, filename=each.name)
        message["Content-Language"] = letter.draft.language  # last: what the parts are made of takes it along
        return message

    def _from(self, name: str) -> Address:
        """Who sends it. Its address stays the operator's: mail servers let no other one through."""
        shown = plain(name).translate(ISOLATES)
        return mailbox(self._sender.addr_spec, shown) if shown else self._sender

    def _content(self, letter: Letter, look: Look) -> dict[str, Any]:
        """What the layout shows: the kind's texts with all words filled in, and the links."""
        draft = letter.draft
        kind = KINDS[letter.kind]
        words: dict[str, object] = {each: FORMS.get(each, name)(value) for each, value in draft.words.items()}
        words |= {
            "advice": draft.advice,
            "name": name(draft.name),
            "company": plain(look.company),
            "lasts": kind.lasts.total_seconds(),
        }
        projects = [{"name": said, "role": role} for called, role in draft.projects if (said := title(called))]
        asked = look.ask.get(draft.language, ("", ""))
        words |= {"ask_name": name(asked[0]), "ask_email": address(asked[1])}
        words["welcome"] = plain(look.welcome.get(draft.language, ""))
        words |= {"projects": projects, "more": draft.more + len(draft.projects) - len(projects)}
        said = self._fill("common", words) | self._fill(letter.kind, words)
        return {
            **{part: said.get(part, []) for part in ("before", "items", "after")},
            **{part: " ".join(said.get(part, [])) for part in LINES},
            "language": draft.language,
            "company": words["company"],
            "link": self._link(kind.page, draft),
            "choices_link": self._page("/settings#notifications", draft.organisation),
            "code": f"{draft.code[:3]} {draft.code[3:]}" if draft.code else "",
            "color": look.color,
            "on_color": readable_on(look.color),
            "logo": _sized(look.logo) if look.logo else None,
            "logo_is_pale": look.is_pale,
        }

    def _link(self, page: str, draft: Draft) -> str:
        if draft.token:
            return f"{self._public_url}/{page}?token={draft.token}"
        return self._page(draft.path, draft.organisation) if draft.path else ""

    def _page(self, path: str, organisation: UUID | None) -> str:
        """The address of a page, which says in whose portal it is: its reader may be in another one (0048)."""
        parts = urlsplit(path)
        named = f"organisation={organisation}" if organisation else ""
        return self._public_url + parts._replace(query="&".join(filter(None, (named, parts.query)))).geturl()

    def _fill(self, kind: str, words: dict[str, Any]) -> dict[str, list[str]]:
        """The parts of a text, each as its paragraphs, with the words filled in."""
        text = self._texts.get_template(f"{kind}.jinja")
        made = {part: "".join(make(text.new_context(words))) for part, make in text.blocks.items()}
        return {part: [line for line in text.split("\n") if line.strip()] for part, text in made.items()}


def _sized(logo: bytes) -> dict[str, str | int]:
    """Where the logo is in the mail, and how large it is shown: it is kept at twice that (PNG, 11.2.2)."""
    width, height = (int.from_bytes(logo[at : at + 4]) for at in (16, 20))
    return {"src": f"cid:{LOGO}", "width": max(width // 2, 1), "height": max(height // 2, 1)}
