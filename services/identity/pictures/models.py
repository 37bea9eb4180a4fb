"""A person's picture: one at most, small, and ours (`drawing`)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.identity.people.models import Person
from shared.clock import now
from shared.contracts.identity import PersonUpdated
from shared.errors import Invalid
from shared.language import gettext as _
from shared.language import marked
from shared.orm import Base, Identified

Kind = Literal["portrait", "logo"]
LARGEST: dict[Kind, int] = {"portrait": 6_000_000, "logo": 256 * 1024}
"""Bytes of a file that somebody sends: photographs of phones are smaller."""
REASONS: dict[Kind, dict[str, str]] = {
    "portrait": {
        "size": marked("This file is too large: a picture may have 6 MB at most. Choose a smaller one."),
        "format": marked("This is no picture that can be read here. Choose a PNG, JPEG or WebP file."),
        "dimensions": marked(
            "This picture has too many pixels. A photograph (JPEG) may have 25 million, others 12 million."
        ),
        "broken": marked("This picture cannot be read to its end. Choose another file."),
    },
    "logo": {
        "size": marked("This file is too large: a logo may have 256 KB at most. Choose a smaller one."),
        "format": marked("This is no logo that can be read here. Choose a PNG or WebP file."),
        "dimensions": marked("This logo has too many pixels. It may have 12 million."),
        "small": marked(
            "This logo would be too small to be seen: fitted into 480 by 160 pixels, it has to be 16 wide and 16 high."
        ),
        "unseen": marked("Nothing of this logo can be seen: it is transparent all over. Choose another file."),
        "broken": marked("This logo cannot be read to its end. Choose another file."),
    },
}
"""What is wrong with a file of each kind: it has more than `LARGEST`, or the word that `drawing` has for it."""


class PictureRefused(Invalid):
    code = "picture.refused"

    def __init__(self, reason: str, kind: Kind) -> None:
        words = REASONS[kind]
        super().__init__(_(words.get(reason, words["broken"])), field="image")


class Picture(Base, Identified):
    """How a person looks at their client, or as one of the staff. A new one has a new id: nobody sees it as it was."""

    __tablename__ = "pictures"

    person_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    image: Mapped[bytes] = mapped_column(repr=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    @classmethod
    def of(cls, person: Person, image: bytes) -> "tuple[Picture, PersonUpdated]":
        """What stands for `person` from now on."""
        return cls(person_id=person.id, client_id=person.client_id, image=image), told()


def told() -> PersonUpdated:
    """What others hear: that there is another picture, or none."""
    return PersonUpdated(fields=["picture"])
