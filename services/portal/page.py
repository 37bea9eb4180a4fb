"""One page being answered: who asks, and what the frame around the content needs."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request
from litestar.response import Redirect, Template

from services.portal.answers import Client, Kpis, Organisation, Organisations, Overview
from services.portal.area import Areas, Entry
from services.portal.cookies import cookie
from services.portal.help.guide import Chapter, Guide
from services.portal.ids import read_id
from services.portal.look import Look
from services.portal.notifications.answers import Unread
from services.portal.services import WIDGET_DEADLINE, Services, Slot, once_known, slot
from services.portal.toasts import TOAST_COOKIE, Toast, Tone, remember
from shared.actor import Actor
from shared.clock import uuid7
from shared.language import gettext as _
from shared.pagination import Page as Listing

if TYPE_CHECKING:
    from services.portal.kept_form.views import Forms, Waiting

T = TypeVar("T")
CLIENT_COOKIE = "portal_client"
PERSON_COOKIE = "portal_person"
"""Who was last signed in here (`look.whose`), until they sign out: then a page says that their session ended."""
SIGNED_OUT = "nobody"
"""That cookie afterwards: a form from another tab may still name whose it is, and nothing else does."""
VARY = {"Vary": "HX-Request"}


class Page(Look):
    """The request as templates see it (`page` in every template). Made once per request, injected by name."""

    def __init__(self, request: Request[Any, Any, Any], actor: Actor, services: Services) -> None:
        super().__init__(request)
        self.actor = actor
        self.services = services
        self.path = request.scope["path"]
        self.is_fragment = request.headers.get("HX-Request") == "true"
        self.is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
        """A browser asks for what its reader may want next (Fetch, 3.5): nobody has followed a link."""
        self._cookies = request.cookies
        self._query = request.query_params
        self._areas: Areas = request.app.state.areas
        self.guide: Guide = request.app.state.guide
        handler = request.scope.get("route_handler")
        self.chapter: Chapter | None = self.guide.first(handler.opt.get("chapters", ()) if handler else (), actor)
        """What explains this page, as far as this reader may read it."""
        self.chosen_client = read_id(request.cookies.get(CLIENT_COOKIE)) if actor.is_staff else None
        self.section = ""
        self.stream = ""
        """Where the page hears what happens."""
        self._organisations: list[Organisation] | None = None
        self._overview: asyncio.Future[Slot[Overview]] | None = None
        self._forms: Forms = request.app.state.forms
        self.waiting: Waiting | None = None
        """A form of the reader's that was not sent and waits in their browser (0103)."""
        self.unread: Slot[Unread] = Slot("late")
        """How many notifications the bell has for the reader."""

    @property
    def areas(self) -> Areas:
        """Everything the portal has, by nouns."""
        return self._areas

    @property
    def client_id(self) -> UUID | None:
        """The client this page is about: the person's own, or the one staff chose; None means all of them."""
        return self.chosen_client or self.actor.client_id

    @property
    def is_somebodys(self) -> bool:
        """Whether it is a person's portal. A client as a whole, as staff view it, has no profile and no settings."""
        return not self.viewing or self.seen_as is not None

    def asked(self, name: str) -> str:
        """What the page's address says of `name`, or ""."""
        return self._query.get(name, "")

    def cookie(self, name: str) -> str:
        """What this browser keeps under `name`, or ""."""
        return self._cookies.get(name, "")

    @property
    def once(self) -> str:
        """A token for a form that makes something: another one each time it is shown."""
        return str(uuid7())

    @property
    def stream_key(self) -> str:
        """Whose eyes this page is for: tabs of one browser share an event stream where it is the same (0108). It is
        another one for another session, person or organisation, and for staff who see the portal as somebody else.
        """
        known = f"{self.actor.session_id} {self.whose}"
        return hashlib.sha256(known.encode()).hexdigest()[:32]

    @property
    def here(self) -> str:
        """The path of this page, quoted for a `next=` parameter."""
        return quote(self.path, safe="/")

    async def show(
        self,
        template: str,
        *,
        section: str = "",
        live: UUID | None = None,
        of_all: bool = False,
        status: int = 200,
        **content: Any,
    ) -> Template:
        """A whole page. `section` marks the navigation; `live` is the client whose events refresh its widgets, where it
        is not the page's own. What is `of_all` shows staff who chose no client those of all of them.
        """
        self.section = section
        followed = live or self.client_id or ("all" if of_all and self.actor.is_staff else "")
        self.stream = f"/api/events/{followed}" if followed and self.has("activity") else ""
        named = self.actor.client_id if self.viewing else self.chosen_client
        if named:
            found = await slot(self.services.identity.get(f"clients/{named}", Client))
            self.client_name = found.value.name if found.value else _("the chosen client")
        await asyncio.gather(self.load_organisations(), self.load_unread())
        self.waiting = None if self.viewing else self._forms.find(self)
        seen = [cookie(TOAST_COOKIE, "", 0)] if self.toast else []
        if self.whose and self.cookie(PERSON_COOKIE) != self.whose:
            seen.append(cookie(PERSON_COOKIE, self.whose))
        return Template(template, context={**content, "page": self}, status_code=status, cookies=seen, headers=VARY)

    @property
    def gives_feedback_only(self) -> bool:
        """Somebody who has roles, and none of them shows what a project holds."""
        return bool(self.actor.project_roles) and not self.sees_projects

    @property
    def sees_projects(self) -> bool:
        """Whether any project may be read: who only gives feedback, or has no role yet, reads none."""
        return self.actor.readable_projects() != frozenset()

    @property
    def organisations(self) -> list[Organisation]:
        """The person's own, once a page is shown; none where they could not be loaded in time."""
        return self._organisations or []

    @property
    def printed_for(self) -> str:
        """The client a page on paper is about: the chosen one, or the reader's own; "" where that is not known."""
        return self.client_name or next((each.name for each in self.organisations if each.current), "")

    def has(self, part: str) -> bool:
        """Whether this module or action is the person's: the company may close some of them for a client (0054)."""
        return part not in self.actor.closed

    @property
    def places(self) -> list[Entry]:
        """The navigation, as far as it leads this reader somewhere."""
        return self._areas.entries(self)

    @property
    def offices(self) -> list[Entry]:
        """Its second part."""
        return self._areas.entries(self, office=True)

    def leads_to(self, path: str) -> bool:
        """Whether a link to `path` leads somewhere: pages are called as their module is."""
        return self.has(path.strip("/").partition("/")[0].partition("?")[0])

    async def closed(self, module: str, *, section: str = "") -> Template:
        """The page in the place of one whose module is closed: why, and where to go instead."""
        closed = next(each for each in self._areas.modules if each.name == module)
        return await self.show("closed.html", section=section or module, status=403, module=closed)

    async def load_organisations(self, deadline: float | None = WIDGET_DEADLINE) -> list[Organisation]:
        """Those the menu offers, asked for once a page. Staff have none, nor do they through a client's eyes."""
        if self._organisations is None and self.actor.kind == "client" and not self.viewing:
            known = await slot(self.services.identity.get("auth/organisations", Organisations), deadline=deadline)
            self._organisations = known.value.items if known.value else []
        return self.organisations

    async def overview(self, part: Callable[[Overview], T | None], *names: str, deadline: float | None) -> Slot[T]:
        """A part of what activity tells of the page's client, or of all: a page asks for the whole, once. A part alone,
        which has no deadline, asks for what is called by these `names`.
        """
        if deadline is None:
            return (await slot(self._ask_for_overview(*names), deadline=None)).pick(part)
        if self._overview is None:
            self._overview = asyncio.ensure_future(slot(self._ask_for_overview(), deadline=deadline))
        return (await self._overview).pick(part)

    def _ask_for_overview(self, *names: str) -> Awaitable[Overview]:
        async def owned() -> object:
            return await self.services.identity.get(f"clients/{self.client_id}", Client)

        told = self.services.activity.get("overview", Overview, client_id=self.client_id, part=list(names))
        nothing = Overview(kpis=Kpis([]), turn=[], due=[], newest=Listing([]))
        return once_known(told, owned if self.client_id else None, nothing)

    async def load_unread(self, deadline: float | None = WIDGET_DEADLINE) -> None:
        """Count them; without an answer in time the bell has no number, and loads itself."""
        if self.actor.id and self.is_somebodys:
            asked = self.services.notifications.get("notifications/unread", Unread)
            self.unread = await slot(asked, deadline=deadline)

    def fragment(
        self,
        template: str,
        *,
        status: int = 200,
        toast: Toast | None = None,
        changed: UUID | None = None,
        **content: Any,
    ) -> Template:
        """One widget, for HTMX to put in place; `toast` is what to tell about it. `changed` is the thing that a form
        changed and the widget shows as it is now: its tab need not fetch the widget again (`own.js`).
        """
        told = {"HX-Trigger": json.dumps({"toast": msgspec.to_builtins(toast)})} if toast else {}
        told |= {"X-Portal-Changed": str(changed)} if changed else {}
        return Template(template, context={**content, "page": self}, status_code=status, headers=VARY | told)

    def part(self, template: str, slot: Slot[Any], **content: Any) -> Template:
        """One widget that an open page asks for. One that failed is an error, and the page keeps what it shows."""
        if slot.state != "failed":
            return self.fragment(template, slot=slot, **content)
        failed = self.fragment(template, slot=slot, status=503, **content)
        failed.headers["X-Portal-Failed"] = "true"
        return failed

    def go(self, path: str, toast: str | Toast = "", *, tone: Tone = "done") -> Redirect:
        """Answer a form: on to `path` (303), where `toast` is shown once."""
        shown = toast if isinstance(toast, Toast) else Toast(toast, tone)
        told = [remember(shown)] if shown.text else []
        return Redirect(path, status_code=303, cookies=told)
