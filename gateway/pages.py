"""The gateway's own few pages: keys, health, and the API's documentation from files in this repository."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath

from gateway.claims import ClaimsSigner
from gateway.docs import ApiDocument
from gateway.problems import Refused, render
from gateway.readiness import Readiness
from shared.heads import with_heads

STATIC = Path(__file__).parent / "static"
FILES = {"swagger-ui.js": "text/javascript", "swagger-ui.css": "text/css", "api.js": "text/javascript"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For `/docs` alone: the viewer styles its elements inline; no script may."""


def own_pages(
    signer: ClaimsSigner, document: ApiDocument, readiness: Readiness, lifespan: Callable[..., Any]
) -> Litestar:
    """A small Litestar application; its lifespan is the gateway's."""

    @get("/readyz")
    async def readyz() -> Response[dict[str, str]]:
        """Readiness: 503 while sessions cannot be looked up, or revocations are not received."""
        ready, parts = await readiness.check()
        return Response(parts, status_code=200 if ready else 503)

    @get("/.well-known/jwks.json", sync_to_thread=False)
    def jwks() -> Response[bytes]:
        """The public keys that verify the claims (RFC 7517)."""
        headers = {"Cache-Control": "public, max-age=60"}
        return Response(signer.jwks, media_type="application/jwk-set+json", headers=headers)

    @get("/docs/openapi.json")
    async def openapi() -> Response[bytes]:
        return Response(await document.get(), media_type=MediaType.JSON)

    own = Litestar(
        [healthz, readyz, jwks, docs, openapi, docs_file],
        openapi_config=None,
        logging_config=None,
        lifespan=[lifespan],
        exception_handlers={HTTPException: _refused},
    )
    own.asgi_handler = with_heads(own.asgi_handler)
    return own


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Alive. Touches nothing else."""
    return {"status": "ok"}


@get("/docs", sync_to_thread=False)
def docs() -> Response[bytes]:
    """The viewer, which reads `/docs/openapi.json`."""
    page = (STATIC / "index.html").read_bytes()
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": CSP})


@get("/docs/static/{name:str}", sync_to_thread=True)
def docs_file(name: FromPath[str]) -> Response[bytes]:
    """One of the viewer's files."""
    if name not in FILES:
        raise NotFoundException
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response((STATIC / name).read_bytes(), media_type=FILES[name], headers=headers)


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    missing = error.status_code == 404
    if missing:
        refusal = Refused(error.status_code, "not_found", "There is nothing here, or it is not yours to see.")
    else:
        refusal = Refused(error.status_code, "gateway.method", "This page can only be read.")
    accepted = request.headers.get("Accept-Language", "").encode("latin-1", "replace")
    body, headers = render(refusal, page=False, accepted=accepted)
    shown = {name.decode(): value.decode() for name, value in headers if name != b"content-length"}
    return Response(body, status_code=error.status_code, headers=shown)
