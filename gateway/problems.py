"""Refusals of the gateway: problem details (RFC 9457), or a page for a person who opened the URL."""

from html import escape
from pathlib import Path

import msgspec

from shared import language
from shared.language import gettext as _
from shared.language import marked
from shared.phrases import title

_PAGE = """<!doctype html><html lang="{language}" class="theme-system"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<link rel="stylesheet" href="/static/current/portal.css"></head><body class="plain"><main class="plain-narrow">
<div class="plain-card stack"><h1>{title}</h1><p class="soft">{detail}</p>
<p><a class="btn btn-primary btn-wide" href="/">{back}</a></p></div></main></body></html>"""
"""In the portal's own look; readable without it."""
_AGAIN = marked("What you typed is still in this browser: reload this page to send it again.")

TITLES = {
    400: marked("The request could not be read"),
    403: marked("No access"),
    404: marked("Page not found"),
    405: marked("This is not possible here"),
    413: marked("Too large"),
    429: marked("Too many attempts"),
    500: marked("Something went wrong on our side"),
    503: marked("Back in a moment"),
    504: marked("This took too long"),
}
"""What a person reads on top: the words of the portal's own pages, which a test compares."""

LANGUAGES = language.read(Path(__file__).parent)
"""What everybody can be answered in."""


class Refused(Exception):
    """The request ends here.

    `code` is stable and is the reason in the decision log; `detail` is for people, with `values` for what stands in
    braces, and never repeats what was sent.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, retry_after: int = 0, challenge: str = "", **values: object
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.challenge = challenge
        self._detail = detail
        self._values = values

    @property
    def detail(self) -> str:
        """Why, in the language that is being spoken."""
        return _(self._detail, **self._values)


def render(
    refusal: Refused, *, page: bool, form: bool = False, accepted: bytes = b""
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers of a refusal: a page for people, else the shape every service uses, in the language that is
    `accepted` (`Accept-Language`). Who sent a `form` that may be taken later reads how to send it again.
    """
    with language.speaking(language.choose(accepted.decode("latin-1"), LANGUAGES)):
        said = language.headers()
        if page:
            kind, body = b"text/html; charset=utf-8", _shown(refusal, form=form)
        else:
            kind, body = b"application/problem+json", _problem(refusal)
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    headers += [(name.lower().encode(), value.encode()) for name, value in said.items()]
    if refusal.retry_after:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.challenge:
        headers.append((b"www-authenticate", refusal.challenge.encode()))
    return body, headers


def _shown(refusal: Refused, *, form: bool) -> bytes:
    heading = TITLES.get(refusal.status)
    told = [refusal.detail]
    if form and (refusal.status in (408, 429) or refusal.status >= 500):
        told.append(_(_AGAIN))
    return _PAGE.format(
        language=language.current(),
        title=escape(_(heading) if heading else title(refusal.status)),
        detail=escape(" ".join(told)),
        back=escape(_("Back to the dashboard")),
    ).encode()


def _problem(refusal: Refused) -> bytes:
    shape = {"type": f"urn:portal:problem:{refusal.code}", "title": title(refusal.status), "status": refusal.status}
    return msgspec.json.encode(shape | {"code": refusal.code, "detail": refusal.detail})
