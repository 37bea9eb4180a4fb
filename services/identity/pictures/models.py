"""A person's picture: one at most, small, and ours (`drawing`)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.identity.people.models import Person
from shared.clock import now
from shared.contracts.identity import PersonUpdated
from shared.errors import Invalid
from shared.language import gettext as _
from shared.language import marked
from shared.orm import Base, Identified

REASONS = {
    "format": marked("This is no picture that can be read here. Choose a PNG, JPEG or WebP file."),
    "dimensions": marked(
        "This picture has too many pixels. A photograph (JPEG) may have 25 million, others 12 million."
    ),
    "broken": marked("This picture cannot be read to its end. Choose another file."),
}
"""What is wrong with a file, by the word that `drawing` has for it."""


class PictureRefused(Invalid):
    code = "picture.refused"

    def __init__(self, reason: str) -> None:
        super().__init__(_(REASONS.get(reason, REASONS["broken"])), field="image")


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
