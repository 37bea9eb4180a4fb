"""From where a client's people may come, and whose addresses may register: lists as typed, made unambiguous."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from shared.addresses import kept_domain, shown_domain
from shared.errors import Invalid
from shared.language import gettext as _

_MAPPED = IPv6Network("::ffff:0:0/96")
PUBLIC_MAIL = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com"),
        *("icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "freenet.de"),
        *("mail.com", "mail.ru", "proton.me", "protonmail.com", "posteo.de", "mailbox.org", "qq.com", "163.com"),
    }
)
"""Where anybody gets an address: to allow one of them would be to allow everybody."""


class NotANetwork(Invalid):
    code = "client.not_a_network"

    def __init__(self, number: int) -> None:
        super().__init__(
            _("Entry {number} is not a network. Write 192.0.2.0/24 or 2001:db8::/32, or one address.", number=number),
            field="allowed_networks",
        )


class NotADomain(Invalid):
    code = "client.not_a_domain"

    def __init__(self, number: int) -> None:
        super().__init__(
            _("Entry {number} is not a domain. Write acme.example.", number=number), field="allowed_domains"
        )


class PublicDomain(Invalid):
    code = "client.public_domain"

    def __init__(self, domain: str) -> None:
        super().__init__(
            _("Anybody can get an address at {domain}.", domain=shown_domain(domain)), field="allowed_domains"
        )


def networks(typed: Sequence[str]) -> list[str]:
    """The networks in CIDR notation, each once; one address is a network, too. Raises `NotANetwork`."""
    return list(dict.fromkeys(str(_network(each, number)) for number, each in enumerate(typed, 1)))


def _network(typed: str, number: int) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(typed.strip(), strict=False)
    except ValueError as error:
        raise NotANetwork(number) from error
    if "%" in typed:  # a zone is known to one machine only (RFC 4007, 6)
        raise NotANetwork(number)
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):  # an IPv4 address is compared as one
        return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    return found


def domains(typed: Sequence[str]) -> list[str]:
    """The domains in ASCII, each once. Raises `NotADomain`, and `PublicDomain` for a large mail provider's."""
    found: dict[str, None] = {}
    for number, each in enumerate(typed, 1):
        try:
            domain = kept_domain(each.strip().removeprefix("@"))
        except ValueError as error:
            raise NotADomain(number) from error
        if domain in PUBLIC_MAIL:
            raise PublicDomain(domain)
        found[domain] = None
    return list(found)
