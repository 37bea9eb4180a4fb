"""Who can sign in, by which method, and from which network. Nothing here uses a database."""

from collections.abc import Collection
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.devices import device_of

Method = Literal["password", "magic_link", "passkey", "sso", "invitation"]
"""Sign-in methods. A client selects those of its people; an invitation replaces any except single sign-on."""
Refusal = Literal["closed", "method", "network"]
Place = tuple[str, str, str]


def refusal(person: Person, client: Client | None, method: Method, ip: str | None) -> Refusal | None:
    """Why somebody who proved to be `person` stays outside, or None. `ip` None: it is not known yet from where.

    Staff may come by every way and from everywhere: the lists are a client's, about its own people.
    """
    if not (person.active and person.portal_access):
        return "closed"
    if person.client_id is None:
        return None
    if client is None or client.id != person.client_id or not client.is_open:
        return "closed"
    if not admits(client.sign_in_methods, method):
        return "method"
    return "network" if ip is not None and not is_within(ip, client.allowed_networks) else None


def admits(methods: Collection[str], method: Method) -> bool:
    """Whether a client with these methods accepts `method`."""
    return set(methods) != {"sso"} if method == "invitation" else method in methods


def is_within(ip: str, networks: Collection[str]) -> bool:
    """Whether an address lies in one of the networks; without networks everybody does."""
    if not networks:
        return True
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ip_network(network) for network in networks)


def place_of(ip: str, user_agent: str) -> Place:
    """What makes a sign-in a familiar one: browser and system whatever their version, and the surrounding network."""
    device = device_of(user_agent)
    return _unversioned(device.browser), _unversioned(device.platform), _neighbourhood(ip)


def _unversioned(name: str) -> str:
    return name.rstrip("0123456789 ")


def _neighbourhood(ip: str) -> str:
    """A provider gives the same household now this address, now that one beside it."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    return str(ip_network((int(address), 48 if isinstance(address, IPv6Address) else 24), strict=False))
