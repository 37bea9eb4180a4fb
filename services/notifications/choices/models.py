"""How somebody wants to be notified, where that is not as the rules have it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.rules import Channel, Rule
from shared.contracts.notifications import NotificationChoicesChanged
from shared.errors import Invalid
from shared.language import gettext as _
from shared.orm import Base, TenantOwned
from shared.versions import Versioned


class KindNotOffered(Invalid):
    code = "choice.kind"

    def __init__(self, kind: str) -> None:
        super().__init__(_("You are not notified of {kind}.", kind=kind), field="channels")


class ChannelNotOffered(Invalid):
    """Everybody is notified of this one in the same way; the rule says why."""

    code = "choice.channel"

    def __init__(self, rule: Rule) -> None:
        super().__init__(_(rule.fixed), field="channels")


class Choices(Base, TenantOwned, Versioned):
    """What one person chose, by kind of notification: a kind that is not in `channels` goes by its rule."""

    __tablename__ = "choices"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    channels: Mapped[dict[str, Channel]] = mapped_column(JSONB, default_factory=dict[str, Channel])

    def choose(self, wanted: Mapping[str, Channel], offered: Mapping[str, Rule]) -> NotificationChoicesChanged | None:
        """Be notified of these kinds by these channels from now on; None where that is so already.

        Raises `KindNotOffered`, and `ChannelNotOffered` for one that its rule does not leave to people.
        """
        for kind, channel in wanted.items():
            if kind not in offered:
                raise KindNotOffered(kind)
            if channel not in offered[kind].channels:
                raise ChannelNotOffered(offered[kind])
        before = dict(self.channels)
        chosen = {**before, **wanted}
        kept = {kind: each for kind, each in chosen.items() if kind not in offered or each != offered[kind].default}
        if not self.assign({"channels": kept}):
            return None
        return NotificationChoicesChanged(
            kinds=sorted(kind for kind in before.keys() | kept.keys() if before.get(kind) != kept.get(kind))
        )
