"""Where deliveries may go: to the internet, and into the company's own network only where the operator says so."""

from yarl import URL

from shared.errors import Invalid
from shared.language import gettext as _
from shared.outgoing import may_name


class TargetRefused(Invalid):
    code = "webhook.url"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, field="url")


def require_target(address: str, *, private: bool) -> str:
    """Return the host of a URL that may receive deliveries, checked without looking up its name. Raises
    `TargetRefused`.

    `private`: the company's own network, and http without TLS, are allowed. Parsed as the HTTP client will parse it.
    """
    try:
        url = URL(address)
        host = url.raw_host or ""
        host.encode("ascii").decode("idna")  # pages show it in its own script
    except ValueError as error:
        raise TargetRefused(_("This is not a web address.")) from error
    if url.scheme not in ("https", "http") or not host:
        raise TargetRefused(_("Give a web address: https://..."))
    if url.scheme == "http" and not private:
        raise TargetRefused(_("Only https keeps what is sent between the two of you."))
    if url.raw_user is not None or url.raw_password is not None:
        raise TargetRefused(_("No user name and password in the address: what we send is signed instead."))
    if url.raw_fragment:
        raise TargetRefused(_("What stands behind # never reaches a server."))
    if not may_name(host, private=private):
        raise TargetRefused(_("This address is not one of the internet's."))
    return host
