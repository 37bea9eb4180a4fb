"""What the notifications service reads from its environment."""

from shared.config import ServiceSettings


class NotificationsSettings(ServiceSettings, frozen=True, kw_only=True):
    """Nothing of its own yet: database, broker and listening address."""
