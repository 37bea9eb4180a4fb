"""The portal's own static files: read once, hashed into one version, compressed once, cached for ever by browsers."""

import gzip
import hashlib
from functools import cached_property
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated

import brotli
import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.params import Parameter

from services.portal.branding import Brand
from services.portal.help.guide import PICTURES, SHOWN_AS
from shared.errors import NotFound

FOLDER = Path(__file__).parent / "static"
STYLESHEET = "portal.css"
STYLES = (
    "vendor/tabler.css",
    "css/tokens.css",
    "css/base.css",
    "css/frame.css",
    "css/components.css",
    "css/pages.css",
    "css/office.css",
    "css/access.css",
    "css/viewing.css",
    "css/help.css",
)
"""One stylesheet on the wire, in the order of the cascade; one file per concern on disk."""
TEXT = {"text/css", "text/javascript", "image/svg+xml"}
Accepted = Annotated[str, Parameter(header="Accept-Encoding")]
FOR_EVER = "public, max-age=31536000, immutable"


class Asset(msgspec.Struct, frozen=True):
    """One file, ready for the wire in each encoding; fonts come only as they are."""

    media_type: str
    plain: bytes
    encoded: dict[str, bytes]

    def best(self, accepted: str) -> tuple[str, bytes]:
        """The encoding to use and its bytes, for an `Accept-Encoding` header."""
        offered = {part.split(";")[0].strip() for part in accepted.split(",")}
        for name, body in self.encoded.items():
            if name in offered:
                return name, body
        return "", self.plain


class Assets:
    """Every file under `static/` and the guide's pictures, addressed as `/static/<version>/<name>`.

    The version is a hash over all of them, so relative addresses inside CSS and JavaScript need no rewriting.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        raw = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        raw |= {f"{SHOWN_AS}{path.name}": path.read_bytes() for path in sorted(PICTURES.glob("*.webp"))}
        raw[STYLESHEET] = b"\n".join(raw.pop(name) for name in STYLES)
        self.files = {name: _asset(name, body) for name, body in raw.items() if not name.endswith(".txt")}

    @cached_property
    def version(self) -> str:
        digest = hashlib.sha256()
        for name, asset in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + asset.plain + b"\0")
        return digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a browser finds `name`. Raises KeyError for a file that is not there, so no template misspells it."""
        self.files[name]
        return f"/static/{self.version}/{name}"


def _asset(name: str, body: bytes) -> Asset:
    media_type = guess_type(name, strict=False)[0] or "application/octet-stream"
    if media_type not in TEXT:
        return Asset(media_type, body, {})
    return Asset(media_type, body, {"br": brotli.compress(body, quality=9), "gzip": gzip.compress(body, 9, mtime=0)})


@get("/static/{version:str}/{name:path}", opt={"public": True}, sync_to_thread=False)
def static_file(state: State, version: str, name: str, accepted: Accepted = "") -> Response[bytes]:
    """A file of the design. Asked for with another version (by an older page), nobody is to keep it."""
    assets: Assets = state.assets
    asset = assets.files.get(name.lstrip("/"))
    if asset is None:
        raise NotFound
    encoding, body = asset.best(accepted)
    headers = {"Cache-Control": FOR_EVER if version == assets.version else "no-cache", "Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=asset.media_type, headers=headers)


@get("/static/brand/{version:str}/{name:str}", opt={"public": True}, sync_to_thread=False)
def brand_file(state: State, version: str, name: str) -> Response[str]:
    """The colours and the icon of the brand. With another version, of an older page, nobody is to keep it."""
    brand: Brand = state.branding.brand
    headers = {"Cache-Control": FOR_EVER if version == brand.version else "no-cache"}
    if name == "icon.svg":
        return Response(brand.drawn_icon(), media_type="image/svg+xml", headers=headers)
    if name == "colours.css" and brand.palettes:
        return Response(brand.colours(), media_type="text/css", headers=headers)
    raise NotFound
