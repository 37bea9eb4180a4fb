"""All that works once goes through here: one statement looks and takes, so of any number at once one gets it.

A table of such things has `used_at` and `expires_at`. `SINGLE_USE` names them all; the test that races each of them
fails for one it does not know how to make.
"""

from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.clock import now
from shared.database import Db

SINGLE_USE: set[str] = set()
"""What there is: `magic_link`, `invitation`, ... Filled as the features are imported."""


class SingleUse(MappedAsDataclass, kw_only=True):
    """A row that is used once, in its time."""

    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


Row = TypeVar("Row", bound=SingleUse)


def single_use(name: str) -> str:
    """Enter `name` into the registry."""
    SINGLE_USE.add(name)
    return name


async def take(db: Db, kind: type[Row], *proof: ColumnElement[bool]) -> Row | None:
    """Use up the one row that `proof` names, if it is neither used nor too old; None otherwise."""
    return await db.scalar(update(kind).where(*proof, *live(kind)).values(used_at=now()).returning(kind))


def live(kind: type[SingleUse]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Neither used nor too old."""
    return kind.used_at.is_(None), kind.expires_at > now()
