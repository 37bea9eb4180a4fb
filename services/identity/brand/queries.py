"""Reading the brand: what everybody sees, and the draft beside it."""

from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.identity.brand.colours import THEMES, Contrast, Palette, Theme, contrast_of, palette
from services.identity.brand.models import SHOWN, Brand, BrandImage, Ground, State
from services.identity.fields import Language
from services.identity.mails.writing import Look
from services.identity.people.models import Person
from shared.database import Db
from shared.errors import NotFound

NEW = 1
"""The version of a row that was made beside the first draft: nobody has published anything."""
_ROWS = """
    select state, name, accent, accent_dark, texts::text as texts, logo_id, icon_id, version,
        coalesce((select ground from brand_images i where i.id = logo_id), 'light') as logo_ground
    from brands where state = any($1)
"""
_STAFF = """
    select id, trim(first_name || ' ' || last_name) as name, email, phone from people
    where kind = 'staff' and active and id = any($1)
"""
_IMAGE = "select image from brand_images where id = $1"


class Defaults(msgspec.Struct, frozen=True):
    """What a company looks like that has chosen nothing: its name and colour in the settings."""

    name: str
    accent: str


class Text(msgspec.Struct, frozen=True):
    """What one language says: a welcome before people sign in, and who is to be asked."""

    welcome: str = ""
    ask: UUID | None = None


class Asked(msgspec.Struct, frozen=True):
    """Somebody of the staff who is to be asked."""

    id: UUID
    name: str
    email: str | None
    phone: str


class Shown(msgspec.Struct, frozen=True):
    """A `Text` as everybody reads it."""

    welcome: str
    ask: Asked | None


class BrandView(msgspec.Struct, frozen=True, kw_only=True):
    """What the company looks like. `palettes` are the colours of each theme, `texts` what each language says.
    `logo_ground` is what the logo is seen on, or `own` where it has a ground itself.
    """

    name: str
    logo_id: UUID | None
    logo_ground: Ground
    icon_id: UUID | None
    palettes: dict[Theme, Palette]
    texts: dict[Language, Shown]


class DraftView(BrandView, frozen=True, kw_only=True):
    """What it would look like; `changed` names what differs from what everybody sees.

    `contrast` is that of the accent chosen for each theme: one that does not pass is shown as the nearest that does,
    and cannot be published. `version` is what `If-Match` names.
    """

    accent: str
    accent_dark: str | None
    contrast: dict[Theme, Contrast]
    changed: list[str]
    version: int


class _Row(msgspec.Struct, frozen=True):
    name: str
    accent: str
    accent_dark: str | None = None
    texts: dict[Language, Text] = {}
    logo_id: UUID | None = None
    icon_id: UUID | None = None
    logo_ground: Ground = "light"
    version: int = 0

    @property
    def accents(self) -> dict[Theme, str]:
        return {"light": self.accent, "dark": self.accent_dark or contrast_of(self.accent, "dark").nearest}


async def get_brand(connection: asyncpg.Connection, defaults: Defaults) -> BrandView:
    """What everybody sees; `connection` sees the staff."""
    rows = await _rows(connection, defaults, ["live"])
    return msgspec.convert(await _view(connection, rows["live"]), BrandView)


async def get_draft(connection: asyncpg.Connection, defaults: Defaults) -> DraftView:
    """The draft, which is what everybody sees where nobody has one."""
    rows = await _rows(connection, defaults, ["live", "draft"])
    live, draft = rows["live"], rows["draft"]
    return msgspec.convert(
        {
            **await _view(connection, draft),
            "accent": draft.accent,
            "accent_dark": draft.accent_dark,
            "contrast": {theme: contrast_of(accent, theme) for theme, accent in draft.accents.items()},
            "changed": [name for name in SHOWN if getattr(draft, name) != getattr(live, name)],
            "version": draft.version,
        },
        DraftView,
    )


async def _rows(connection: asyncpg.Connection, defaults: Defaults, states: list[State]) -> dict[State, _Row]:
    found = {row["state"]: row for row in await connection.fetch(_ROWS, states)}
    rows = {
        state: msgspec.convert({**row, "texts": msgspec.json.decode(row["texts"])}, _Row)
        for state, row in found.items()
    }
    live = rows.get("live", _Row(defaults.name, defaults.accent))
    return {"live": live, "draft": rows.get("draft", msgspec.structs.replace(live, version=0))}


async def _view(connection: asyncpg.Connection, row: _Row) -> dict[str, object]:
    ids = [text.ask for text in row.texts.values() if text.ask]
    staff = {each["id"]: Asked(**each) for each in await connection.fetch(_STAFF, ids)} if ids else {}
    texts = {
        language: Shown(text.welcome, staff.get(text.ask) if text.ask else None) for language, text in row.texts.items()
    }
    return {
        "name": row.name,
        "logo_id": row.logo_id,
        "icon_id": row.icon_id,
        "logo_ground": row.logo_ground,
        "palettes": {theme: palette(row.accents[theme], theme) for theme in THEMES},
        "texts": texts,
    }


async def read_image(connection: asyncpg.Connection, image_id: UUID) -> bytes:
    """The bytes of a PNG file. Raises `NotFound`."""
    image = await connection.fetchval(_IMAGE, image_id)
    if image is None:
        raise NotFound
    return image


async def load_brands(db: Db, defaults: Defaults) -> dict[State, Brand]:
    """Both rows, made where they are not there, and locked for a change."""
    locked = await db.scalars(select(Brand).order_by(Brand.state).with_for_update())
    found: dict[str, Brand] = {each.state: each for each in locked}
    if "live" not in found:
        found["live"] = Brand(state="live", name=defaults.name, accent=defaults.accent)
        db.add(found["live"])
    live = found["live"]
    if "draft" not in found:
        found["draft"] = Brand(state="draft", version=0, **{name: getattr(live, name) for name in SHOWN})
        db.add(found["draft"])
    return {"live": live, "draft": found["draft"]}


async def list_images(db: Db) -> list[BrandImage]:
    """Every image there is."""
    return list(await db.scalars(select(BrandImage)))


async def mail_look(db: Db) -> Look | None:
    """What everybody sees, for a mail, which has a light ground; None where the company has chosen nothing."""
    live = await db.scalar(select(Brand).where(Brand.state == "live"))
    if live is None:
        return None
    image = await db.get(BrandImage, live.logo_id) if live.logo_id else None
    texts = msgspec.convert(live.texts, dict[str, Text])
    asked = {language: await db.get(Person, text.ask) for language, text in texts.items() if text.ask}
    return Look(
        live.name,
        live.accent,
        image.image if image else None,
        {language: text.welcome for language, text in texts.items()},
        {language: (each.name, each.email or "") for language, each in asked.items() if each and each.active},
        sender=live.name if live.version > NEW else "",
        is_pale=image is not None and image.ground == "dark",
    )
