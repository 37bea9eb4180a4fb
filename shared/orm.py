"""The base of mapped aggregates."""

import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Dialect, FetchedValue, MetaData, Text, TypeDecorator, true
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.actor import Actor
from shared.clock import now, uuid7

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class ComposedText(TypeDecorator[str]):
    """Text, stored in NFC: the same letters are the same text, however they were typed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return value if value is None else unicodedata.normalize("NFC", value)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Root of all mapped classes. Tables are unqualified: a role's search_path is its service's schema."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), str: ComposedText()}  # noqa: RUF012  (SQLAlchemy reads a plain dict)


def made_by_the_table() -> Any:
    """A column that the table computes: only statements read it."""
    return mapped_column(Text(), FetchedValue(), init=False, repr=False, deferred=True)


class Identified(MappedAsDataclass, kw_only=True):
    """An aggregate with a time-ordered id (RFC 9562, version 7)."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid7)


class TenantOwned(MappedAsDataclass, kw_only=True):
    """A row of one client; its table has the policy of `shared.migrations.tables.tenant_policy`."""

    client_id: Mapped[UUID]

    @classmethod
    def seen_by(cls, actor: Actor) -> ColumnElement[bool]:
        """The tenant every statement names: the actor's own, those of a subcontractor's projects, or any."""
        if actor.assignments is not None:
            return cls.client_id.in_(set(actor.assignments.values()))
        return true() if actor.sees_all_clients else cls.client_id == actor.client_id


class Timestamped(MappedAsDataclass, kw_only=True):
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    updated_at: Mapped[datetime] = mapped_column(default_factory=now, onupdate=now)
