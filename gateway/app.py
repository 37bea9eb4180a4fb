"""The gateway's composition root: creates its parts and connects them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.claims import ClaimsSigner
from gateway.cookies import Cookies
from gateway.decisions import LOG
from gateway.docs import ApiDocument
from gateway.inquiries import Inquiries
from gateway.limits import Limiter
from gateway.origins import origin_of
from gateway.pages import own_pages
from gateway.partners import Partners
from gateway.peers import Networks, is_proxy, limit_key, parse_networks
from gateway.pipeline import Pipeline
from gateway.private import private_port
from gateway.proxy import Proxy
from gateway.readiness import Readiness
from gateway.recording import Recorder
from gateway.routes import PORTAL, ROUTES, SERVICES, Route, RouteTable
from gateway.seals import Seal
from gateway.server import StrictHttp
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.shares import Shares, Turns
from gateway.streams import Streams
from gateway.tracing import traced
from shared import partners, telemetry
from shared.background import Background
from shared.cache import Cache

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
MAX_CONNECTIONS = 16_384
"""Each may need a second descriptor, to a service: half of what a process may open (`ops.serve`)."""
CONNECTIONS_EACH = 2_048
"""Of one address: room for an office of three hundred people, at six connections a browser."""
LOOK_UPS_EACH = 64
"""Of one address at a time: what it calls a session is asked about at Redis and identity."""
HTTPS_ONLY = [(b"strict-transport-security", b"max-age=31536000")]


class Gateway:
    """The ASGI application: requests through the pipeline, everything else to the gateway's own small Litestar."""

    protocol = StrictHttp
    """What uvicorn must speak in front of it: `uvicorn.Config(http=...)`."""

    def __init__(self, requests: ASGIApp, own: Litestar, trusted: Networks) -> None:
        self._requests = requests
        self._own = own
        self._trusted = trusted
        self.connections = Shares(MAX_CONNECTIONS, CONNECTIONS_EACH)

    def admit_connection(self, address: str) -> Callable[[], None]:
        """Take a place for a connection from `address`; returns the function that gives it back. Raises `Refused` if
        its share is used.

        A trusted proxy has no share of its own: it carries many callers.
        """
        caller = object() if is_proxy(address, self._trusted) else limit_key(address)
        self.connections.take(caller)
        return partial(self.connections.give_back, caller)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self._requests if scope["type"] == "http" else self._own)(scope, receive, send)


def create_app(settings: GatewaySettings, table: Iterable[Route] = ROUTES) -> Gateway:
    """The gateway as `settings` describe it. Raises `SettingsError`."""
    # Its private port serves more than metrics, and is opened by the lifespan below.
    telemetry.configure("gateway", msgspec.structs.replace(settings, private_port=0))
    cache = Cache(settings.redis_url)
    signer = ClaimsSigner(settings.claims_key)
    trusted = parse_networks(settings.trusted_proxies)
    routes = RouteTable(table)
    streams = Streams()
    defaults = SECURITY_HEADERS + (HTTPS_ONLY if settings.public_url.startswith("https:") else [])
    cookies = Cookies(settings.public_url)
    upstreams = {name: settings.upstream(name) for name in (*SERVICES, PORTAL)}
    proxy = Proxy(upstreams, defaults, streams, cookies)
    inquiries = {name: Inquiries(name, proxy.pools[name], signer) for name in SERVICES}
    sessions = Sessions(cache, inquiries["identity"].resolve_session, Seal(signer.secret("sessions")))
    streams.follow(sessions)
    background = Background()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with (
            background.keep("revocations", sessions.listen),
            private_port(app, settings.host, settings.private_port),
        ):
            yield
        proxy.close()
        await cache.close()
        LOG.flush()  # the last answers' lines: no timer of this loop runs any more

    own = own_pages(
        signer,
        ApiDocument(
            inquiries, lambda path: routes.find(path.encode()) is not None, cookies.session, settings.public_url
        ),
        Readiness(cache, inquiries["identity"], background),
        lifespan,
    )
    pipeline = Pipeline(
        routes=routes,
        requests=Limiter("requests", settings.requests_per_minute, cache, settings.redis_url),
        session_requests=Limiter("sessions", settings.session_requests_per_minute, cache, settings.redis_url),
        sign_ins=Limiter("sign-ins", settings.sign_ins_per_minute, cache, settings.redis_url),
        sessions=sessions,
        look_ups=Turns(LOOK_UPS_EACH),
        partners=Partners(
            partners.asking(settings.public_url, upstreams["identity"]),
            Limiter("api-clients", settings.requests_per_minute, cache, settings.redis_url),
        ),
        rotate=inquiries["identity"].rotate_session,
        recorder=Recorder(inquiries["identity"].record_visits),
        signer=signer,
        proxy=proxy,
        own=own,
        cookies=cookies,
        public_origin=origin_of(settings.public_url),
        trusted=trusted,
        forwarded_header=settings.forwarded_header.encode(),
    )
    return Gateway(traced(pipeline) if settings.otlp_endpoint else pipeline, own, trusted)
