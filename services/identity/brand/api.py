"""The brand over HTTP: anybody reads it, before they sign in; staff with a policy of its own change it."""

from uuid import UUID

from litestar import Response, Router, delete, get, patch, post, put

from services.identity.brand import commands, queries
from services.identity.brand.commands import PatchBrand, PutLogo
from services.identity.brand.models import BrandImage
from services.identity.brand.queries import BrandView, Defaults, DraftView
from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.pictures.commands import drawn
from services.identity.pictures.drawing import MOST
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch, with_etag
from shared.sandbox import Rejected, Sandbox

PUBLIC = {"public": True}
MAY = [require_policy("manageBrand")]
DRAFT = {NEEDS_NO_PROOF: "A draft is shown to nobody else."}
KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""An id always stands for the same image."""


@get("/", opt=PUBLIC)
async def get_brand(read: ReadOnly, brand_defaults: Defaults) -> BrandView:
    """Read what the company looks like: name, logo, colours, and what it says to whoever comes to sign in."""
    async with read(SYSTEM) as connection:  # past the tenant, for the person to ask
        return await queries.get_brand(connection, brand_defaults)


@get("/images/{image_id:uuid}", opt=PUBLIC, media_type="image/png")
async def get_image(image_id: UUID, read: ReadOnly) -> Response[bytes]:
    """Read a logo or an icon, a PNG file."""
    async with read(SYSTEM) as connection:
        return Response(await queries.read_image(connection, image_id), headers=KEPT, media_type="image/png")


@get("/draft", guards=MAY)
async def get_draft(actor: Actor, read: ReadOnly, brand_defaults: Defaults) -> Response[DraftView]:
    """Read the draft of the brand, with the contrast of its accent in both themes."""
    async with read(actor) as connection:
        return with_etag(await queries.get_draft(connection, brand_defaults))


@patch("/draft", guards=MAY, opt=DRAFT)
async def change_draft(
    *, data: PatchBrand, if_match: IfMatch, actor: Actor, uow: UnitOfWork, read: ReadOnly, brand_defaults: Defaults
) -> Response[DraftView]:
    """Change name, accent and texts of the draft. With `If-Match`, only at that version of it (else 412)."""
    async with uow(actor) as db:
        await commands.change_draft(db, actor, data, if_match, brand_defaults)
    async with read(actor) as connection:
        return with_etag(await queries.get_draft(connection, brand_defaults))


@put("/draft/logo", guards=MAY, opt=DRAFT)
async def show_logo(
    *,
    data: PutLogo,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    brand_defaults: Defaults,
    picture_sandbox: Sandbox,
) -> Response[DraftView]:
    """Set the logo of the draft. 422 `picture.refused` for a file that is no picture, is too large or too small,
    or is broken.
    """
    logo = await drawn(picture_sandbox, data.image, "logo", caller=actor.id)
    ground = await picture_sandbox.run(logo, "ground", caller=actor.id, most=MOST["logo"])
    try:
        icon = await picture_sandbox.run(logo, "icon", caller=actor.id, most=MOST["logo"])
    except Rejected:
        icon = None
    async with uow(actor) as db:
        shown = BrandImage(image=logo, ground=ground.decode())
        await commands.show_logo(db, actor, shown, BrandImage(image=icon) if icon else None, brand_defaults)
    async with read(actor) as connection:
        return with_etag(await queries.get_draft(connection, brand_defaults))


@delete("/draft/logo", guards=MAY, opt=DRAFT, status_code=200)
async def remove_logo(actor: Actor, uow: UnitOfWork, read: ReadOnly, brand_defaults: Defaults) -> Response[DraftView]:
    """Remove the logo of the draft: the initials of the name stand in its place."""
    async with uow(actor) as db:
        await commands.remove_logo(db, actor, brand_defaults)
    async with read(actor) as connection:
        return with_etag(await queries.get_draft(connection, brand_defaults))


@delete("/draft", guards=MAY, opt=DRAFT)
async def discard(actor: Actor, uow: UnitOfWork, brand_defaults: Defaults) -> None:
    """Discard the draft: it is what everybody sees again."""
    async with uow(actor) as db:
        await commands.discard(db, actor, brand_defaults)


@post("/publish", guards=MAY, status_code=200)
async def publish(
    *, if_match: IfMatch, actor: Actor, uow: UnitOfWork, read: ReadOnly, brand_defaults: Defaults
) -> Response[DraftView]:
    """Publish the draft: everybody sees it from now on. 409 `brand.unchanged` without a change, 422 `brand.accent` for
    an accent that can hardly be seen.
    """
    async with uow(actor) as db:
        await commands.publish(db, actor, if_match, brand_defaults)
    async with read(actor) as connection:
        return with_etag(await queries.get_draft(connection, brand_defaults))


router = Router(
    f"{API}/brand",
    route_handlers=[get_brand, get_image, get_draft, change_draft, show_logo, remove_logo, discard, publish],
    tags=["brand"],
)
