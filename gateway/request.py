"""One request on its way through the pipeline."""

import time
from collections.abc import Hashable
from random import getrandbits

from litestar.types import HTTPScope

from gateway.headers import Inbound
from gateway.origins import SAFE
from gateway.peers import limit_key
from gateway.routes import Route
from gateway.sessions import Session
from shared.actor import Actor

_NOTHING = Inbound([])


class Request:
    """What is known so far; each step of the pipeline adds its part, and the decision log reads it all."""

    __slots__ = (
        "id",
        "inbound",
        "method",
        "new_cookie",
        "partner",
        "path",
        "peer",
        "route",
        "scope",
        "session",
        "session_hash",
        "started",
        "status",
        "target",
    )

    def __init__(self, scope: HTTPScope) -> None:
        self.scope = scope
        self.id = f"{getrandbits(128):032x}"  # no secret, and asking the kernel costs ten times as much
        """Always our own: an id that callers could choose would not find one line in the logs."""
        self.started = time.perf_counter()
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.target = self.path
        """The path that the service is asked for: another one where the address has no route."""
        self.inbound = _NOTHING
        self.peer = ""
        self.route: Route | None = None
        self.session: Session | None = None
        self.partner: Actor | None = None
        """Whose access token came instead of a session."""
        self.session_hash = ""
        self.new_cookie = b""
        """The `Set-Cookie` of a new id for the session, where it is due one."""
        self.status = 0
        """Of the answer; 0 until it begins."""

    @property
    def is_sign_in(self) -> bool:
        """Whether it is a step of signing in, and no mere look at the form."""
        return self.route is not None and self.route.sign_in and self.method not in SAFE

    @property
    def is_known(self) -> bool:
        """Whether somebody is behind it, and no mere address."""
        return bool(self.session or self.partner)

    @property
    def caller(self) -> Hashable:
        """Who has a share of what is bounded: a person with all their sessions, an api client, or an address."""
        if self.session:
            return self.session.person_id.int  # a number is found several times as fast as the UUID
        return self.partner.id if self.partner else limit_key(self.peer)

    @property
    def is_visit(self) -> bool:
        """A browser opens a page: its answer, unlike a fragment's or a script's, surely sets cookies in time."""
        return self.method == "GET" and self.wants_page and b"hx-request" not in self.inbound.forwarded

    @property
    def wants_page(self) -> bool:
        """A person looks at the answer, not a program."""
        return b"text/html" in self.inbound.forwarded.get(b"accept", b"") and not self.path.startswith(b"/api/")
