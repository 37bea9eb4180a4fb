"""Who is really calling. Limits and claims carry this address, so no header may choose it (G5)."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.config import SettingsError

_BY_A_PROXY = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
"""What proxies add. Who has none of these added may still be far away, which is why a token is asked for as well."""

Networks = tuple[IPv4Network | IPv6Network, ...]


def parse_networks(text: str) -> Networks:
    """`10.0.0.0/8, 2001:db8::/32` as networks. Raises `SettingsError` naming what is not one."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"PORTAL_TRUSTED_PROXIES: {error}") from error


def is_local(socket: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request comes from this very machine, and not by way of a proxy that stands on it."""
    return (
        bool(peer := _normal(socket))
        and ip_address(peer).is_loopback
        and not any(name in _BY_A_PROXY for name, _ in headers)
    )


def real_peer(socket: str, forwarded_for: bytes | None, trusted: Networks) -> str:
    """The socket's address; behind a trusted proxy, the right-most address in `X-Forwarded-For` that is not a proxy's.

    Everything left of that one was written by the caller. What is not an address ends the walk.
    """
    peer = _normal(socket)
    if not trusted or not forwarded_for or not _is_in(peer, trusted):
        return peer
    for part in reversed(forwarded_for.decode("latin-1").split(",")):
        address = _normal(part.strip())
        if not address:
            break
        peer = address
        if not _is_in(peer, trusted):
            break
    return peer


def is_proxy(socket: str, trusted: Networks) -> bool:
    """Whether the other end of a connection is a proxy that carries many callers."""
    return _is_in(_normal(socket), trusted)


@lru_cache(4096)
def is_within(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is in one of `networks` (`192.0.2.0/24`)."""
    return _is_in(peer, tuple(ip_network(each, strict=False) for each in networks))


@lru_cache(4096)
def limit_key(peer: str) -> str:
    """What one caller can hardly change: the address, or the /64 an IPv6 customer owns."""
    address = ip_address(peer) if peer else None
    return str(ip_network((int(address), 64), strict=False)) if isinstance(address, IPv6Address) else peer


@lru_cache(4096)
def _normal(text: str) -> str:
    """The shortest spelling, IPv4 out of its IPv6 mapping; '' for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


@lru_cache(4096)
def _is_in(peer: str, networks: Networks) -> bool:
    return bool(peer) and any(ip_address(peer) in network for network in networks)
