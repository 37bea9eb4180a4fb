"""What the gateway reads from the environment."""

from shared.config import Settings


class GatewaySettings(Settings, frozen=True, kw_only=True):
    """Addresses are `http://host:port`; limits count requests of one peer."""

    redis_url: str
    claims_key: str
    """A private JWK, or a JWK set whose first key signs; mounted as `PORTAL_CLAIMS_KEY_FILE`."""
    upstream_identity: str
    upstream_projects: str
    upstream_activity: str
    upstream_portal: str
    trusted_proxies: str = ""
    """Comma-separated networks whose `X-Forwarded-For` is believed; empty where nothing stands in front."""
    requests_per_minute: int = 3000
    """Wide enough for an office behind one address: a dashboard costs about 20 requests."""
    session_requests_per_minute: int = 1500
    """Of one session, from wherever it is used: a person opening a page every second would ask for less."""
    sign_ins_per_minute: int = 60
