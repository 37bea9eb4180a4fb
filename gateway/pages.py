"""The gateway's own few pages: keys, health, and the API's documentation from files in this repository."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Response, get
from litestar.static_files import create_static_files_router

from gateway.claims import ClaimsSigner
from gateway.docs import ApiDocument
from gateway.readiness import Readiness

STATIC = Path(__file__).parent / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For `/docs` alone: the viewer styles its elements inline; no script may."""


def own_pages(
    signer: ClaimsSigner, document: ApiDocument, readiness: Readiness, lifespan: Callable[..., Any]
) -> Litestar:
    """A small Litestar application; its lifespan is the gateway's."""

    @get("/healthz", sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """Alive. Touches nothing else."""
        return {"status": "ok"}

    @get("/readyz")
    async def readyz() -> Response[dict[str, str]]:
        """Can serve: 503 while nobody could say who is signed in."""
        parts = await readiness.check()
        return Response(parts, status_code=200 if "ok" in parts.values() else 503)

    @get("/.well-known/jwks.json", sync_to_thread=False)
    def jwks() -> Response[bytes]:
        """The public keys that verify the claims (RFC 7517)."""
        headers = {"Cache-Control": "public, max-age=60"}
        return Response(signer.jwks, media_type="application/jwk-set+json", headers=headers)

    @get("/docs", sync_to_thread=False)
    def docs() -> Response[bytes]:
        page = (STATIC / "index.html").read_bytes()
        return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": CSP})

    @get("/docs/openapi.json")
    async def openapi() -> dict[str, Any]:
        return await document.get()

    assets = create_static_files_router("/docs/static", [STATIC], cache_control=None)
    return Litestar(
        [healthz, readyz, jwks, docs, openapi, assets], openapi_config=None, logging_config=None, lifespan=[lifespan]
    )
