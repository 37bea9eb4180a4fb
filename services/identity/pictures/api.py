"""Pictures of people over HTTP: everybody sets their own, and sees those of the people they may read; staff who manage
people take them down.
"""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.params import Parameter

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.pictures import commands, queries
from services.identity.pictures.commands import PutPicture, require_own
from services.identity.pictures.queries import PictureView
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.errors import NotFound
from shared.http import API
from shared.pagination import MAX_LIMIT
from shared.sandbox import Sandbox

Ids = Annotated[list[UUID], Parameter(query="id", min_items=1, max_items=MAX_LIMIT)]
OPEN = {NEEDS_NO_PROOF: "A picture gives nobody access."}
KEPT = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""An id always stands for the same picture. Opened by itself it is no page of ours."""


class Pictures(msgspec.Struct, frozen=True):
    """Who has a picture."""

    items: list[PictureView]


@get("/pictures")
async def list_pictures(actor: Actor, read: ReadOnly, ids: Ids) -> Pictures:
    """List who of these people has a picture. `id` may be repeated; people the caller may not read are left out."""
    async with read(actor) as connection:
        found = await queries.list_pictures(connection, actor, ids)
    async with read(SYSTEM) as connection:
        return Pictures([*found, *await queries.list_staff(connection, ids)])


@get("/pictures/{picture_id:uuid}", media_type="image/webp")
async def get_picture(picture_id: UUID, actor: Actor, read: ReadOnly) -> Response[bytes]:
    """Read a picture, a WebP file of 256 by 256 pixels."""
    async with read(actor) as connection:
        image = await queries.find_image(connection, actor, picture_id)
    if image is None:
        async with read(SYSTEM) as connection:
            image = await queries.find_staff(connection, picture_id)
    if image is None:
        raise NotFound
    return Response(image, headers=KEPT, media_type="image/webp")


@put("/me/picture", opt=OPEN)
async def show_picture(
    data: PutPicture, me: UUID, actor: Actor, uow: UnitOfWork, picture_sandbox: Sandbox
) -> PictureView:
    """Set one's own picture. 422 `picture.refused` for a file that is no picture, is too large, or is broken."""
    require_own(actor)
    image = await commands.drawn(picture_sandbox, data.image, "portrait", caller=me)
    async with uow(actor) as db:
        picture = await commands.show_picture(db, actor, me, image)
        return PictureView(person_id=picture.person_id, picture_id=picture.id)


@delete("/me/picture", opt=OPEN)
async def remove_picture(me: UUID, actor: Actor, uow: UnitOfWork) -> None:
    """Remove one's own picture; without one nothing changes. Others see one's initials."""
    async with uow(actor) as db:
        await commands.remove_picture(db, actor, me)


@delete("/{person_id:uuid}/picture", opt=OPEN, guards=[require_policy("managePeople")])
async def take_down_picture(person_id: UUID, actor: Actor, uow: UnitOfWork) -> None:
    """Remove somebody's picture; without one nothing changes. They can set another one."""
    async with uow(actor) as db:
        await commands.take_down_picture(db, actor, person_id)


router = Router(
    f"{API}/people",
    route_handlers=[list_pictures, get_picture, show_picture, remove_picture, take_down_picture],
    tags=["people"],
)
