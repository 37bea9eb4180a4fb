"""What the notifications service reads from its environment."""

from shared.config import ServiceSettings


class NotificationsSettings(ServiceSettings, frozen=True, kw_only=True):
    """Beside database, broker and listening address: what webhooks are sent with."""

    secrets_key: str
    """256 bits in base64url: seals the secrets webhooks are signed with (`portal keys secret`)."""
    private_webhooks: bool = False
    """Whether webhooks may lead into the company's own network, and use http without TLS."""
