"""What happens to pictures: people choose their own, and take it away again, as staff can."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from services.identity.clients.models import ActionClosed
from services.identity.people.models import Person
from services.identity.people.queries import load_person
from services.identity.pictures import queries
from services.identity.pictures.drawing import MOST
from services.identity.pictures.models import LARGEST, Kind, Picture, PictureRefused, told
from services.identity.policies.models import require_reach
from shared import outbox
from shared.actor import Actor
from shared.database import Db
from shared.sandbox import Rejected, Sandbox


class PutPicture(msgspec.Struct, forbid_unknown_fields=True):
    """`image` is a PNG, JPEG or WebP file of at most 6 MB, in base64. It is drawn again: a square of 256 pixels is
    kept, and nothing of what else a camera writes into a file.
    """

    image: Annotated[bytes, Meta(min_length=1)]


def require_own(actor: Actor) -> None:
    """Raises `ActionClosed` where the company keeps the details of its client's people."""
    if "edit_profile" in actor.closed:
        raise ActionClosed


async def drawn(sandbox: Sandbox, file: bytes, kind: Kind, *, caller: UUID | None) -> bytes:
    """What is kept of a file that somebody sends. Raises `PictureRefused`, which says what this kind takes."""
    if len(file) > LARGEST[kind]:
        raise PictureRefused("size", kind)
    try:
        return await sandbox.run(file, kind, caller=caller, most=MOST[kind])
    except Rejected as error:
        raise PictureRefused(error.reason, kind) from error


async def show_picture(db: Db, actor: Actor, person_id: UUID, image: bytes) -> Picture:
    """Have this picture, drawn already, from now on."""
    require_own(actor)
    person = await load_person(db, person_id)
    if before := await queries.find_picture(db, person_id):
        await db.delete(before)
        await db.flush()
    picture, event = Picture.of(person, image)
    db.add(picture)
    await outbox.append(db, actor, event, client_id=person.client_id, aggregate_id=person.id)
    return picture


async def remove_picture(db: Db, actor: Actor, person_id: UUID) -> None:
    """Have none from now on."""
    require_own(actor)
    await _remove(db, actor, await load_person(db, person_id))


async def take_down_picture(db: Db, actor: Actor, person_id: UUID) -> None:
    """Somebody has none from now on; not somebody with more permissions than the actor. Raises `NotFound`, and
    `HoldsMore`.
    """
    person = await load_person(db, person_id)
    require_reach(actor, person.policies)
    await _remove(db, actor, person)


async def _remove(db: Db, actor: Actor, person: Person) -> None:
    """Without one there is nothing to tell."""
    if before := await queries.find_picture(db, person.id):
        await db.delete(before)
        await outbox.append(db, actor, told(), client_id=person.client_id, aggregate_id=person.id)
