"""What identity reads from the environment."""

from typing import Annotated

from msgspec import Meta

from shared.config import ServiceSettings


class IdentitySettings(ServiceSettings, frozen=True, kw_only=True):
    """`smtp_url` is `smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the first byte."""

    redis_url: str
    smtp_url: str
    stream_replicas: int = 1
    """How many servers of a NATS cluster keep each event."""
    secrets_key: str
    """256 bits in base64url: seals what must be read again, such as TOTP secrets (`portal keys secret`)."""
    orders_key: str
    """The same for the secrets in mails that other services order: they seal with it, and only identity opens."""
    token_key: str
    """A private JWK (Ed25519) or a set of them: the first signs partner tokens, all are published."""
    mail_from: str = "Client Portal <portal@localhost>"
    company_name: str = "Client Portal"
    """Who runs this installation; stands in the mails."""
    api_secret_overlap_hours: int = 24
    """How long the old secret of an api client counts beside a new one, unless the rotation says otherwise."""
    brand_color: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] = "#4338ca"
    """The colour of the company's buttons in mails, as `#rrggbb`."""
    password_threads: int = 2
    """Password hashes worked on at once; each takes 19 MiB and about 20 ms of one core."""
    password_memory: Annotated[int, Meta(ge=8)] = 19 * 1024
    """KiB that a password hash takes: OWASP's 19 MiB at least in production (`env`), the least there is in tests."""
    password_queue: int = 128
    """Sign-ins that may wait for a thread; one more is refused with 503."""
    private_issuers: bool = False
    """Whether a client's identity provider may live at a private address, such as one in the company's own network."""
    outside_invitations_per_day: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """How many people with addresses outside its own domains a client's people may invite within 24 hours."""
    people_per_address: Annotated[int, Meta(ge=60, le=6_000)] = 60
    """How many people may sign in from one address within minutes; what an address may try grows with it."""
    session_client_days: Annotated[int, Meta(ge=1, le=400)] = 30
    """How long a client's person stays signed in at most; no browser keeps a cookie longer (RFC 6265bis, 5.5)."""
    session_client_idle_days: Annotated[int, Meta(ge=1, le=400)] = 7
    """And how long without using the portal."""
    session_staff_hours: Annotated[int, Meta(ge=1, le=9600)] = 12
    session_staff_idle_hours: Annotated[int, Meta(ge=1, le=9600)] = 2
