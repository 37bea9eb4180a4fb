"""How the company looks to whoever opens the portal: what everybody sees, and a draft that staff try first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.brand.colours import THEMES, Theme, contrast_of
from shared.clock import now
from shared.contracts.brand import BrandDrafted, BrandPublished
from shared.errors import Conflict, Invalid
from shared.language import gettext as _
from shared.orm import Base, Identified
from shared.versions import Versioned

State = Literal["live", "draft"]
Ground = Literal["light", "dark", "own"]
"""What a logo is seen on: a light or a dark ground, or the one that it has itself."""
THE_BRAND = UUID(int=0)
"""The id under which events speak of the company's one brand."""
SHOWN = ("name", "accent", "accent_dark", "texts", "logo_id", "icon_id")
"""What a draft brings when it is published."""


class NothingToPublish(Conflict):
    code = "brand.unchanged"

    def __init__(self) -> None:
        super().__init__(_("There is nothing to publish: everybody sees this already."))


class AccentNotSeen(Invalid):
    code = "brand.accent"

    def __init__(self, field: str, theme: Theme, nearest: str) -> None:
        if theme == "light":
            said = _("This colour can hardly be seen on light pages. The nearest that can is {near}.", near=nearest)
        else:
            said = _("This colour can hardly be seen in the dark theme. The nearest that can is {near}.", near=nearest)
        super().__init__(said, field=field)


class AskedPersonUnknown(Invalid):
    code = "brand.ask"

    def __init__(self) -> None:
        super().__init__(_("Choose somebody of your staff who is active."), field="texts")


class Brand(Base, Versioned):
    """One of the two rows. `accent_dark` is None where the nearest colour to `accent` is to be taken in the dark.

    `texts` maps a language to a `welcome` and to whom to `ask`, the id of somebody of the staff.
    """

    __tablename__ = "brands"

    state: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    accent: Mapped[str]
    accent_dark: Mapped[str | None] = mapped_column(default=None)
    texts: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict[str, Any])
    logo_id: Mapped[UUID | None] = mapped_column(default=None)
    icon_id: Mapped[UUID | None] = mapped_column(default=None)
    updated_at: Mapped[datetime] = mapped_column(default_factory=now, onupdate=now)

    def change(self, changes: Mapping[str, object]) -> BrandDrafted | None:
        """Take over what is new in `changes`; None where nothing is."""
        fields = self.assign(changes)
        return BrandDrafted(fields=fields) if fields else None

    def differs_from(self, other: "Brand") -> list[str]:
        """The names of what is not the same in both."""
        return [name for name in SHOWN if getattr(self, name) != getattr(other, name)]

    def publish(self, draft: "Brand") -> BrandPublished:
        """Look like `draft` from now on. Raises `NothingToPublish`, and `AccentNotSeen` where its accent is not."""
        fields = draft.differs_from(self)
        if not fields:
            raise NothingToPublish
        for theme, field, accent in zip(
            THEMES, ("accent", "accent_dark"), (draft.accent, draft.accent_dark), strict=True
        ):
            if accent and not (contrast := contrast_of(accent, theme)).passes:
                raise AccentNotSeen(field, theme, contrast.nearest)
        self.assign({name: getattr(draft, name) for name in SHOWN})
        return BrandPublished(fields=fields)


class BrandImage(Base, Identified):
    """A logo, or the icon made of it. It never changes: another one has another id."""

    __tablename__ = "brand_images"

    image: Mapped[bytes] = mapped_column(repr=False)
    ground: Mapped[str] = mapped_column(default="light")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
