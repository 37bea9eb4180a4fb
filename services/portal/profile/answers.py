"""What identity answers about pictures of people."""

from uuid import UUID

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """Whose picture is read under which id (`PUT people/me/picture`)."""

    person_id: UUID
    picture_id: UUID


class Pictures(msgspec.Struct, frozen=True):
    """Who has one (`GET people/pictures`)."""

    items: list[Picture]
