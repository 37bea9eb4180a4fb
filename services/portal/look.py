"""How a browser likes the portal: theme and time zone, in cookies so that the server renders them right at once."""

import hashlib
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from litestar import Request
from markupsafe import Markup

from services.portal import formats
from services.portal.forms import OPENED_BY
from services.portal.help.guide import Chapter
from services.portal.toasts import TOAST_COOKIE, recall
from shared.actor import Actor
from shared.clock import day_of, now
from shared.language import current

THEME_COOKIE = "portal_theme"
ZONE_COOKIE = "portal_zone"
"""Set by `shell.js`: only a browser knows where its reader is."""
CHOSEN_ZONE_COOKIE = "portal_chosen_zone"
"""The zone that the reader chose for this browser; it goes before the other one."""

RECORDED_HEADER = "X-Portal-Recorded"
"""Set by the gateway alone, for each request of a recorded session."""

THEMES = ("system", "light", "dark")
LONGEST_TITLE = 120
"""As much of a page's title as its forms take along."""
AnyRequest = Request[Any, Any, Any]


class Look:
    """What even an error page needs to know about its reader."""

    def __init__(self, request: AnyRequest) -> None:
        self.language = current()
        """In which the page speaks: the person's, or the browser's where nobody is signed in (0123)."""
        self.theme = theme(request.cookies.get(THEME_COOKIE))
        self.chosen_zone = request.cookies.get(CHOSEN_ZONE_COOKIE, "")
        self.zone = formats.zone(self.chosen_zone) or formats.zone(request.cookies.get(ZONE_COOKIE))
        self.now: datetime = now()
        actor: Actor | None = request.scope.get("auth")
        self.viewing = actor is not None and actor.read_only
        """Whether staff look through a client's eyes; `client_name` is then that client's, where it is known."""
        self.whose = whose(actor)
        self.own = whose(actor and actor.themselves)
        """The same without anybody's eyes: what a member of staff typed is theirs while they view as somebody else."""
        self.seen_as = actor.seen_as if actor else None
        """The one of the client's people whose portal they then see."""
        self.client_name: str | None = None
        self.chapter: Chapter | None = None
        self.recorded = request.headers.get(RECORDED_HEADER) == "1"
        """Whether the gateway recorded this visit; the page informs its reader."""
        self.is_answer = request.method == "POST"
        """Whether this page is what a form was answered with: the form is shown again, and nothing of it is saved."""
        self._title = ""
        self.toast = recall(request.cookies.get(TOAST_COOKIE))

    @property
    def opened_by(self) -> Markup:
        """The input by which each form that is sent names for whom it was opened, and on which page; none on a page for
        nobody.
        """
        said = f"{self.whose} {self._title}".strip()
        return Markup('<input type="hidden" name="{}" value="{}">').format(OPENED_BY, said) if self.whose else Markup()

    def is_called(self, title: Markup) -> str:
        """Note the title of the page, which is said before its forms (0103)."""
        self._title = title.striptags()[:LONGEST_TITLE]
        return ""

    @cached_property
    def today(self) -> date:
        """The company's day, which the services go by too: statuses, due dates and the words for them agree."""
        return day_of(self.now)

    @cached_property
    def readers_today(self) -> date:
        """Today where the reader is: what they mean by it when they act, and how moments are grouped for them."""
        return formats.local(self.now, self.zone).date()


def whose(actor: Actor | None) -> str:
    """Whom what is typed is of (0117): a person, in one organisation and through nobody else's eyes; "" for nobody."""
    if actor is None or actor.kind not in ("staff", "client"):
        return ""
    return _digest(actor.id, actor.reader.id, actor.kind, actor.client_id)


def whose_in(client_id: UUID, person_id: UUID) -> str:
    """The same for one of a client's people, in another of their organisations than the one they are in."""
    return _digest(person_id, person_id, "client", client_id)


def _digest(*whom: object) -> str:
    return hashlib.sha256(" ".join(map(str, whom)).encode()).hexdigest()[:32]


def theme(value: str | None) -> str:
    """One of `THEMES`: what is none of them stands for the first."""
    return value if value in THEMES else "system"
