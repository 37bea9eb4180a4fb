"""Versions of aggregates, and what `ETag` and `If-Match` make of them (RFC 9110, 8.8.3 and 13.1.1)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.errors import PreconditionFailed


class Versioned(MappedAsDataclass, kw_only=True):
    """An aggregate whose `version` rises by one with every event it returns."""

    version: Mapped[int] = mapped_column(default=1)

    def require_match(self, if_match: str | None) -> None:
        """Raises `PreconditionFailed` if the caller's `If-Match` names another version. No header allows any."""
        if if_match is None or if_match.strip() == "*":
            return
        if etag(self.version) not in (tag.strip() for tag in if_match.split(",")):
            raise PreconditionFailed(self.version)

    def assign(self, changes: Mapping[str, Any]) -> list[str]:
        """Set the columns that differ and return their names, sorted; a change of nothing keeps the version."""
        names = sorted(name for name, value in changes.items() if getattr(self, name) != value)
        for name in names:
            setattr(self, name, changes[name])
        if names:
            self.version += 1
        return names


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'
