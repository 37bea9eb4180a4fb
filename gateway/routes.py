"""The route table as data. What is not in it does not exist (deny by default, after ory/oathkeeper)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec

from gateway.paths import REMEMBERED

API = "/api/client-portal"
MEGABYTE = 1_000_000
IMAGE = 8_100_000
"""Bytes of a body that carries a picture of six megabytes in base64."""
READ_SECONDS = 2.0
"""How long a service may be silent on a question: who asked can ask again."""
TOTAL_SECONDS = 4.0
"""How long anybody waits for an answer to begin. Changes have it all, and pages, which ask several services."""

Access = Literal["public", "signed_in", "staff"]
SERVICES = ("identity", "projects", "activity", "notifications")
"""What answers under `API`. A new service is an entry here and routes below; its address comes from the environment."""
PORTAL = "portal"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The rule for a path. The longest prefix of whole segments applies; a service still checks everything itself.

    `timeout` is how many seconds a service may be silent, before its answer to a question and within any answer. A
    `stream` may be silent for ever once it has begun.
    """

    prefix: str
    upstream: str
    """One of `SERVICES`, the portal, or the gateway itself."""
    access: Access = "signed_in"
    audience: tuple[str, ...] = ()
    timeout: float = READ_SECONDS
    max_body: int = MEGABYTE
    stream: bool = False
    exact: bool = False
    """Only the path itself, nothing below it."""
    anonymous: bool = False
    """The same for everybody: whose cookie it is does not matter."""
    sign_in: bool = False
    """Unsafe requests count against the narrow limit for guessing."""
    probe: bool = False
    """Asked by what watches the gateway, also from an address that is over its limit: so it may cost nothing."""
    local: bool = False
    """For who sits at this machine; for everybody else it does not exist."""
    basic: bool = False
    """The service checks a name and password itself; the header that has them goes on under another name."""

    def patience(self, *, safe: bool) -> float:
        """Seconds until an answer has to have begun."""
        return self.timeout if safe else max(self.timeout, TOTAL_SECONDS)

    @property
    def takes_tokens(self) -> bool:
        """Partner systems call services, and look at no pages."""
        return self.upstream in SERVICES and not self.basic

    @property
    def is_page(self) -> bool:
        """People look at it: a refusal is a page, too."""
        return self.upstream == "portal"

    @property
    def is_for_eyes(self) -> bool:
        """A person reads it as it comes: a page, or the stream behind it, of which no script can set a header."""
        return self.is_page or self.stream


def _api(
    resource: str,
    upstream: str,
    access: Access = "signed_in",
    *,
    sign_in: bool = False,
    max_body: int = MEGABYTE,
) -> Route:
    prefix, audience = f"{API}/{resource}", (upstream,)
    return Route(prefix=prefix, upstream=upstream, access=access, audience=audience, sign_in=sign_in, max_body=max_body)


def _oauth(prefix: str, *, basic: bool = False) -> Route:
    audience = ("identity",)
    return Route(prefix=prefix, upstream="identity", access="public", audience=audience, exact=True, basic=basic)


def _page(
    prefix: str, *, exact: bool = False, sign_in: bool = False, local: bool = False, max_body: int = MEGABYTE
) -> Route:
    """A page is public here: the portal itself shows the way to sign in, and passes the claims on to the services."""
    audience = ("portal", *SERVICES)
    return Route(
        prefix=prefix,
        upstream="portal",
        access="public",
        audience=audience,
        timeout=TOTAL_SECONDS,
        max_body=max_body,
        exact=exact,
        sign_in=sign_in,
        local=local,
    )


def _own(prefix: str, *, exact: bool = True, probe: bool = False) -> Route:
    return Route(prefix=prefix, upstream="gateway", access="public", exact=exact, probe=probe, anonymous=probe)


NOT_FOUND = "/page-not-found"
"""The portal's page for people who open an address that has no route."""

ROUTES = (
    _api("auth", "identity", "public", sign_in=True),
    _api("auth/logout", "identity", "public"),
    _api("auth/me", "identity"),
    _api("auth/sign-in-methods", "identity"),
    _api("auth/view-as", "identity"),
    _api("auth/organisations", "identity"),
    _api("auth/organisations/join", "identity", sign_in=True),
    _api("auth/switch-organisation", "identity"),
    _api("sessions", "identity"),
    _api("two-factor", "identity"),
    _api("passkeys", "identity"),
    _api("people", "identity"),
    _api("people/me/picture", "identity", max_body=IMAGE),
    _api("people/pictures", "identity"),
    _api("policies", "identity", "staff"),
    _api("brand", "identity", "public"),
    _api("brand/draft/logo", "identity", "staff", max_body=IMAGE),
    _api("team", "identity"),
    _api("project-teams", "identity"),
    _api("clients", "identity"),
    _api("contacts", "identity", "staff"),
    _api("invitations", "identity", "staff"),
    _api("mails", "identity", "staff"),
    _api("projects", "projects"),
    _api("milestones", "projects"),
    _api("activity", "activity"),
    _api("kpis", "activity"),
    _api("overview", "activity"),
    _api("audit", "activity", "staff"),
    _api("notifications", "notifications"),
    _api("webhooks", "notifications", "staff"),
    Route(prefix="/api/events", upstream="activity", audience=("activity",), timeout=TOTAL_SECONDS, stream=True),
    _api("api-clients", "identity", "staff"),
    _oauth("/oauth/token", basic=True),
    _oauth("/oauth/whoami"),
    _oauth("/oauth/jwks.json"),
    _oauth("/.well-known/oauth-authorization-server"),
    _page("/", exact=True),
    _page("/sign-in", sign_in=True),
    _page("/sign-out"),
    _page("/invitation", sign_in=True),
    _page("/register", exact=True, sign_in=True),
    _page("/forgot-password", exact=True, sign_in=True),
    _page("/reset-password", exact=True, sign_in=True),
    _page("/verify-email", exact=True, sign_in=True),
    _page("/confirm-email", exact=True, sign_in=True),
    _page("/organisations"),
    _page("/projects"),
    _page("/activity"),
    _page("/notifications"),
    _page("/profile"),
    _page("/profile/picture", max_body=IMAGE),
    _page("/brand"),
    _page("/brand/logo", max_body=IMAGE),
    _page("/security"),
    _page("/help"),
    _page("/kept-form"),
    _page("/prove-it", sign_in=True),
    _page("/clients"),
    _page("/contacts"),
    _page("/invitations"),
    _page("/people"),
    _page("/api-clients"),
    _page("/webhooks"),
    _page("/team"),
    _page("/failed-sign-ins"),
    _page("/switch-client"),
    _page("/view-as"),
    _page("/milestones"),
    _page("/settings"),
    _page("/widgets"),
    _page("/mailbox", local=True),
    _page(NOT_FOUND, exact=True),
    Route(prefix="/static", upstream="portal", access="public", audience=("portal",), anonymous=True),
    _own("/docs"),
    _own("/docs/openapi.json"),
    _own("/docs/static", exact=False),
    _own("/healthz", probe=True),
    _own("/readyz", probe=True),
    _own("/.well-known/jwks.json"),
)


class RouteTable:
    """Finds the route of a canonical path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {route.prefix.encode(): route for route in routes}
        self._deepest = max(prefix.count(b"/") for prefix in self._routes)
        self.find = lru_cache(REMEMBERED)(self._find)

    def _find(self, path: bytes) -> Route | None:
        """The longest prefix wins, on whole segments: `/projectsx` is not below `/projects`."""
        segments = path.split(b"/", self._deepest + 1)
        for depth in range(min(len(segments), self._deepest + 1), 1, -1):
            route = self._routes.get(b"/".join(segments[:depth]))
            if route and (not route.exact or route.prefix.encode() == path):
                return route
        return None
