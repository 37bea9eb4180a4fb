"""Refusals of the gateway: problem details (RFC 9457), or a page for a person who opened the URL."""

from html import escape
from http import HTTPStatus

import msgspec

_PAGE = """<!doctype html><html lang="en" class="theme-system"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<link rel="stylesheet" href="/static/current/portal.css"></head><body class="plain"><main class="plain-narrow">
<div class="plain-card stack"><h1>{title}</h1><p class="soft">{detail}{again}</p>
<p><a class="btn btn-primary btn-wide" href="/">Back to the dashboard</a></p></div></main></body></html>"""
"""In the portal's own look; readable without it."""
_AGAIN = " What you typed is still in this browser: reload this page to send it again."

TITLES = {
    400: "The request could not be read",
    403: "No access",
    404: "Page not found",
    405: "This is not possible here",
    413: "Too large",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Back in a moment",
    504: "This took too long",
}
"""What a person reads on top: the words of the portal's own pages, which a test compares."""


class Refused(Exception):
    """The request ends here.

    `code` is stable and is the reason in the decision log; `detail` is for people, and never repeats what was sent.
    """

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int = 0, challenge: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.challenge = challenge


def render(refusal: Refused, *, page: bool, form: bool = False) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers of a refusal: a page for people, else the shape every service uses. Who sent a `form` that may
    be taken later reads how to send it again.
    """
    title = HTTPStatus(refusal.status).phrase
    if page:
        again = _AGAIN if form and (refusal.status in (408, 429) or refusal.status >= 500) else ""
        shown = _PAGE.format(title=TITLES.get(refusal.status, title), detail=escape(refusal.detail), again=again)
        kind, body = b"text/html; charset=utf-8", shown.encode()
    else:
        kind, body = b"application/problem+json", _problem(refusal, title)
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    if refusal.retry_after:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.challenge:
        headers.append((b"www-authenticate", refusal.challenge.encode()))
    return body, headers


def _problem(refusal: Refused, title: str) -> bytes:
    kind = f"urn:portal:problem:{refusal.code}"
    shape = {"type": kind, "title": title, "status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    return msgspec.json.encode(shape)
