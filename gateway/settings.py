"""What the gateway reads from the environment."""

from typing import Literal

from shared.config import Settings


class GatewaySettings(Settings, frozen=True, kw_only=True):
    """Addresses are `http://host:port`; limits count requests of one peer."""

    redis_url: str
    claims_key: str
    """A private JWK, or a JWK set whose first key signs; mounted as `PORTAL_CLAIMS_KEY_FILE`."""
    trusted_proxies: str = ""
    """Comma-separated networks whose `forwarded_header` is believed; empty where nothing stands in front."""
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """In which header the trusted proxies say who called (`forwarded`: RFC 7239)."""
    requests_per_minute: int = 3000
    """Wide enough for an office behind one address: a dashboard costs about 20 requests."""
    session_requests_per_minute: int = 1500
    """Of one session, from wherever it is used: a person opening a page every second would ask for less."""
    sign_ins_per_minute: int = 300
    """Steps of signing in from one address that were refused: those that succeed do not count, so that an office signs
    in behind one address. Guesses have limits of their own, in identity.
    """
