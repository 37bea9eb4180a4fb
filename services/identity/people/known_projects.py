"""Which projects there are, as projects tells."""

from uuid import UUID

from sqlalchemy import Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.orm import Base


class KnownProject(Base):
    """A projection of projects' events: which there are to have a role in. Private ones the client cannot name.

    `team` are the staff who work on it, `hidden_fields` what the client does not see of it: both say whose name,
    address and number the client may read (decision 0105). `version` is the project's, as far as it is known here.
    A project not heard of since names are kept has an empty `name`.
    """

    __tablename__ = "known_projects"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    private: Mapped[bool]
    name: Mapped[str]
    team: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    hidden_fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int]
