"""Authenticate, authorise, sign, forward: everything that happens to a request, top to bottom.

A plain ASGI callable, not a framework's handler: this runs in front of every other request of the portal
(docs/decisions/0020).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway import decisions
from gateway.claims import ClaimsSigner
from gateway.cookies import Cookies
from gateway.headers import Inbound
from gateway.limits import Limiter
from gateway.origins import SAFE, refuse_foreign_change
from gateway.partners import Partners
from gateway.paths import is_canonical
from gateway.peers import Networks, is_local, limit_key, real_peer
from gateway.problems import Refused, render
from gateway.proxy import Proxy
from gateway.recording import Recorder
from gateway.request import Request
from gateway.routes import NOT_FOUND, Route, RouteTable
from gateway.sessions import Session, Sessions, digest_of
from gateway.shares import Turns
from gateway.transfer import BrokenOff, ClientGone
from shared.actor import Actor

METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
CLIENT_GONE = 499
"""In the log only, as nginx has it: nobody was there to be answered."""

log = structlog.get_logger("gateway")
BAD = 400
"""From this status on an answer is a refusal or a fault."""
AWAY = (503, 504)
"""Nobody was there who could have judged anything."""


class Pipeline(msgspec.Struct, kw_only=True):
    """The hot path. Every collaborator does one step; this class only says in which order."""

    routes: RouteTable
    requests: Limiter
    session_requests: Limiter
    sign_ins: Limiter
    sessions: Sessions
    look_ups: Turns
    """By address, as any cookie that this process does not know is asked about."""
    partners: Partners
    rotate: Callable[[str], Awaitable[bytes]]
    """Asks identity for a session's new id (`Inquiries.rotate_session`)."""
    recorder: Recorder
    signer: ClaimsSigner
    proxy: Proxy
    own: ASGIApp
    """The gateway's own few pages."""
    cookies: Cookies
    public_origin: bytes
    trusted: Networks
    forwarded_header: bytes
    """The one that the trusted proxies write; in any other, the caller may have written what it likes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)  # pyright: ignore[reportArgumentType]: websockets are refused earlier
        reason = decisions.GRANTED
        try:
            await self._pass(request, receive, send)
        except Refused as refusal:
            reason = refusal.code
            await self._refuse(request, refusal, send)
        except ClientGone:
            reason, request.status = decisions.CLIENT_GONE, CLIENT_GONE
        except BrokenOff as error:  # the answer is never completed, so the server tears the connection
            reason = decisions.CLIENT_GONE if isinstance(error.__cause__, ClientGone) else decisions.BROKEN_OFF
        except Exception as error:
            reason = decisions.FAILED
            log.exception("gateway.failed", request_id=request.id, exc_info=error)
            if request.status:
                raise
            await self._refuse(request, Refused(500, reason, "Something went wrong on our side."), send)
        finally:
            self._settle(request)
            decisions.LOG.record(request, reason)

    def _settle(self, request: Request) -> None:
        """A sign-in that was good is no guess, and one that an outage refused told nobody anything."""
        if request.is_sign_in and (request.status < BAD or request.status in AWAY):
            self.sign_ins.give_back(limit_key(request.peer))

    async def _pass(self, request: Request, receive: Receive, send: Send) -> None:
        request.inbound = Inbound(request.scope["headers"])
        request.peer = self._peer(request)
        found = self.routes.find(request.path)
        caller = limit_key(request.peer)
        if not ((found and found.probe) or self.requests.spend(caller)):
            await self.requests.admit(caller)
        request.route = route = self._route(request)
        refuse_foreign_change(request.method, request.inbound.read, self.public_origin)
        if request.is_sign_in:
            await self.sign_ins.admit(limit_key(request.peer))
        request.session = session = await self._authenticate(request, route)
        if session and session.language and route.is_for_eyes:
            request.inbound.forwarded[b"accept-language"] = session.language.encode()
        if session and not self.session_requests.spend(session.session_id.int):
            await self.session_requests.admit(session.session_id.int)
        if b"authorization" in request.inbound.read:
            request.partner = await self._credentials(request, route)
        if session and session.recorded:
            await self.recorder.record(request, route, session)
        if request.partner is None:
            authorise(route, session)
        if session and session.rotate and request.is_visit:
            request.new_cookie = await self.rotate(request.session_hash)
        await self._serve(request, route, receive, send)

    def _serve(self, request: Request, route: Route, receive: Receive, send: Send) -> Awaitable[None]:
        """Have it answered by whom the route names, who learns from a token who asks."""
        if route.upstream == "gateway":
            return self.own(request.scope, receive, self._dressed(request, send))
        if request.partner:
            token = self.signer.partner_token(request.partner, route.audience, request.peer)
        else:
            token = self.signer.token(request.session, route.audience, request.peer)
        return self.proxy.forward(request, route, token, receive, send)

    def _peer(self, request: Request) -> str:
        return real_peer(_socket(request), request.inbound.read.get(self.forwarded_header), self.trusted)

    def _route(self, request: Request) -> Route:
        if not is_canonical(request.path):
            raise Refused(400, "gateway.ambiguous_path", "This address can be read in more than one way.")
        if request.method not in METHODS:
            raise Refused(405, "gateway.method", "This method is not known here.")
        route = self.routes.find(request.path)
        if route and route.local and not is_local(_socket(request), request.scope["headers"]):
            route = None
        if route is None and request.method in SAFE and request.wants_page:
            route, request.target = self.routes.find(NOT_FOUND.encode()), NOT_FOUND.encode()
        if route is None:
            raise Refused(404, "not_found", "There is nothing here, or it is not yours to see.")
        return route

    async def _authenticate(self, request: Request, route: Route) -> Session | None:
        """The session of the cookie, which travels no further than this. Refuses its use from elsewhere."""
        forwarded = request.inbound.forwarded
        if b"cookie" not in forwarded:
            return None
        value, rest = self.cookies.split(forwarded.pop(b"cookie"))
        if rest:
            forwarded[b"cookie"] = rest
        if value:
            request.inbound.read.pop(b"authorization", None)  # a browser's: who it is stands in its cookie
        digest = digest_of(value) if value and not route.anonymous else None
        session = await self._find(digest, limit_key(request.peer)) if digest else None
        if digest and session:
            request.session_hash = digest
            if not session.is_used_from(request.peer):
                raise Refused(403, "gateway.network", "Your company lets its people in from its own networks only.")
        return session

    async def _find(self, digest: str, caller: str) -> Session | None:
        if known := self.sessions.recall(digest):
            return known
        async with self.look_ups.of(caller):
            return await self.sessions.find(digest)

    async def _credentials(self, request: Request, route: Route) -> Actor | None:
        """The partner whose access token came along. A name and password go on to the one service that wants them."""
        authorization = request.inbound.read[b"authorization"]
        if route.basic:
            request.inbound.forwarded[b"x-oauth-authorization"] = authorization
        return await self.partners.find(authorization, request.peer) if route.takes_tokens else None

    async def _refuse(self, request: Request, refusal: Refused, send: Send) -> None:
        request.status = refusal.status
        accepted = request.inbound.forwarded.get(b"accept-language", b"")
        body, headers = render(refusal, page=request.wants_page, form=request.method == "POST", accepted=accepted)
        headers = self.proxy.dress(request, refusal.status, headers)
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _dressed(self, request: Request, send: Send) -> Send:
        async def dressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self.proxy.dress(request, message["status"], list(message["headers"]))
            await send(message)

        return dressed


def _socket(request: Request) -> str:
    """Who is connected: the caller, or the proxy that stands in front."""
    client = request.scope["client"]
    return client[0] if client else ""


def authorise(route: Route, session: Session | None) -> None:
    """Check the access that the route requires. The service checks the permission for the object."""
    if route.access == "public":
        return
    if session is None:
        raise Refused(401, "auth.required", "Sign in first.")
    if route.access == "staff" and session.kind != "staff":
        raise Refused(403, "forbidden", "This is for staff.")
