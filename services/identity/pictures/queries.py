"""Reading pictures: who has one, and what it shows."""

from collections.abc import Collection
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.identity.people.queries import reach
from services.identity.pictures.models import Picture
from shared.actor import Actor
from shared.database import Db

_OF_CLIENTS = "client_id is not null and ($2::uuid[] is null or client_id = any($2))"
_OF_STAFF = "client_id is null"
_SHOWN = "select person_id, id as picture_id from pictures where person_id = any($1) and {} order by person_id"
_IMAGE = "select image from pictures where id = $1 and {}"


class PictureView(msgspec.Struct, frozen=True):
    """Whose picture it is, and under which id it is read. Another picture has another id."""

    person_id: UUID
    picture_id: UUID


async def list_pictures(connection: asyncpg.Connection, actor: Actor, people: Collection[UUID]) -> list[PictureView]:
    """The pictures of those of `people` who have one, are a client's, and may be read by the actor."""
    rows = await connection.fetch(_SHOWN.format(_OF_CLIENTS), people, reach(actor, None))
    return [PictureView(**row) for row in rows]


async def list_staff(connection: asyncpg.Connection, people: Collection[UUID]) -> list[PictureView]:
    """The pictures of the staff among `people`, whom whoever signs in may see; `connection` is past the tenant."""
    return [PictureView(**row) for row in await connection.fetch(_SHOWN.format(_OF_STAFF), people)]


async def find_image(connection: asyncpg.Connection, actor: Actor, picture_id: UUID) -> bytes | None:
    """The bytes of a WebP file that shows one of the clients' people whom the actor may read."""
    return await connection.fetchval(_IMAGE.format(_OF_CLIENTS), picture_id, reach(actor, None))


async def find_staff(connection: asyncpg.Connection, picture_id: UUID) -> bytes | None:
    """The same of one of the staff; `connection` is past the tenant."""
    return await connection.fetchval(_IMAGE.format(_OF_STAFF), picture_id)


async def find_picture(db: Db, person_id: UUID) -> Picture | None:
    """The picture of a person who is locked."""
    return await db.scalar(select(Picture).where(Picture.person_id == person_id))
