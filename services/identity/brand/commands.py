"""What happens to the brand: staff try something, look at it, and publish it."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import delete, func, select, text

from services.identity.brand import queries
from services.identity.brand.colours import Colour
from services.identity.brand.models import THE_BRAND, AskedPersonUnknown, Brand, BrandImage
from services.identity.brand.queries import Defaults
from services.identity.fields import Language, Name
from services.identity.mails.writing import LANGUAGES
from services.identity.people.models import Person
from shared import outbox
from shared.actor import Actor
from shared.database import Db
from shared.events import EventData
from shared.texts import TEXT

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('identity:brand', 0))")


class PutText(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one language says. `ask` is the id of somebody of the staff."""

    welcome: Annotated[str, Meta(max_length=500, pattern=TEXT)] = ""
    ask: UUID | None = None


class PatchBrand(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change in the draft; `texts` replaces those of the languages it names."""

    name: Name | UnsetType = UNSET
    accent: Colour | UnsetType = UNSET
    accent_dark: Colour | UnsetType | None = UNSET
    texts: Annotated[dict[Language, PutText], Meta(max_length=len(LANGUAGES))] | UnsetType = UNSET


class PutLogo(msgspec.Struct, forbid_unknown_fields=True):
    """`image` is a PNG or WebP file of at most 256 KB, in base64. It is drawn again, shown on a dark
    ground where it would hardly be seen on a light one, and an icon is made of it.
    """

    image: Annotated[bytes, Meta(min_length=1)]


async def change_draft(db: Db, actor: Actor, patch: PatchBrand, if_match: str | None, defaults: Defaults) -> None:
    """Try other words and colours. Raises `AskedPersonUnknown`."""
    draft = await _draft(db, defaults)
    draft.require_match(if_match)
    changes = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
    if patch.texts is not UNSET:
        await _require_staff(db, {each.ask for each in patch.texts.values() if each.ask})
        changes["texts"] = {**draft.texts, **msgspec.to_builtins(patch.texts)}
    await _tell(db, actor, draft.change(changes))


async def show_logo(db: Db, actor: Actor, logo: BrandImage, icon: BrandImage | None, defaults: Defaults) -> None:
    """Try this logo, drawn already, and its icon: None of one that would not be seen in a small square."""
    draft = await _draft(db, defaults)
    db.add_all([logo, *([icon] if icon else [])])
    await _tell(db, actor, draft.change({"logo_id": logo.id, "icon_id": icon and icon.id}))
    await _forget_images(db)


async def remove_logo(db: Db, actor: Actor, defaults: Defaults) -> None:
    """Try it without one: the initials stand in its place."""
    draft = await _draft(db, defaults)
    await _tell(db, actor, draft.change({"logo_id": None, "icon_id": None}))
    await _forget_images(db)


async def publish(db: Db, actor: Actor, if_match: str | None, defaults: Defaults) -> None:
    """Everybody sees the draft from now on. Raises what `Brand.publish` does."""
    await db.execute(_ONE_AT_A_TIME)
    brands = await queries.load_brands(db, defaults)
    brands["draft"].require_match(if_match)
    await _tell(db, actor, brands["live"].publish(brands["draft"]))
    await _forget_images(db)


async def discard(db: Db, actor: Actor, defaults: Defaults) -> None:
    """The draft is what everybody sees again."""
    await db.execute(_ONE_AT_A_TIME)
    brands = await queries.load_brands(db, defaults)
    live, draft = brands["live"], brands["draft"]
    await _tell(db, actor, draft.change({name: getattr(live, name) for name in draft.differs_from(live)}))
    await _forget_images(db)


async def _draft(db: Db, defaults: Defaults) -> Brand:
    await db.execute(_ONE_AT_A_TIME)
    return (await queries.load_brands(db, defaults))["draft"]


async def _require_staff(db: Db, ids: set[UUID]) -> None:
    staff = select(func.count()).where(Person.id.in_(ids), Person.kind == "staff", Person.active)
    if ids and await db.scalar(staff) != len(ids):
        raise AskedPersonUnknown


async def _forget_images(db: Db) -> None:
    """Neither row shows them any more."""
    await db.flush()
    shown = [select(column).where(column.is_not(None)) for column in (Brand.logo_id, Brand.icon_id)]
    await db.execute(delete(BrandImage).where(*(BrandImage.id.not_in(each) for each in shown)))


async def _tell(db: Db, actor: Actor, event: EventData | None) -> None:
    await db.flush()
    if event:
        await outbox.append(db, actor, event, client_id=None, aggregate_id=THE_BRAND)
