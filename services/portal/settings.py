"""What the portal reads from the environment."""

from shared.config import Settings


class PortalSettings(Settings, frozen=True, kw_only=True):
    """The web front end: no database, only the services it shows (`upstreams`)."""

    secrets_key: str
    """256 bits in base64url, mounted as `PORTAL_SECRETS_KEY_FILE`: forms that wait for a sign-in are sealed with it."""
    company_name: str = "Client Portal"
    """Who runs this installation; stands in the top bar and on the sign-in page."""
    mailbox_dir: str = ""
    """Folder of the embedded mail sink; empty switches the mailbox page off."""
    mailbox_token: str = ""
    """What the first visit to the mailbox has to bring; empty switches it off as well."""
