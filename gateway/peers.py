"""The caller's address. Limits and claims use it, so only trusted proxies can set it by a header."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import structlog

from shared.config import SettingsError

_BY_A_PROXY = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
"""What proxies add. Who has none of these added may still be far away, which is why a token is asked for as well."""

_FOR = re.compile(r"(?:^|;)\s*for\s*=\s*([^;]+)", re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^\]]+)\](?::\w+)?")
_WITH_PORT = re.compile(r"([0-9.]+):\w+")
_WARNED: list[str] = []

log = structlog.get_logger("gateway")

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


def real_peer(socket: str, told: bytes | None, trusted: Networks) -> str:
    """The socket's address; behind a trusted proxy, the right-most address in what it `told` that is not a proxy's.

    `told` is the header that the proxies write: `X-Forwarded-For`, or `Forwarded` (RFC 7239). Everything left of that
    address was written by the caller. What is not an address ends the walk, and is logged once.
    """
    peer = _normal(socket)
    if not trusted or not told or not _is_in(peer, trusted):
        return peer
    for part in reversed(told.decode("latin-1").split(",")):
        address = _node(part)
        if not address:
            _warn_once(part.strip()[:100])
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
def _node(part: str) -> str:
    """The address in one element, with or without a port: `198.51.100.7:51008`, `[2001:db8::1]`, or what stands behind
    `for=` (RFC 7239, 6); '' where there is none.
    """
    named = _FOR.search(part)
    node = (named[1] if named else part).strip().strip('"')
    found = _BRACKETED.fullmatch(node) or _WITH_PORT.fullmatch(node)
    return _normal(found[1] if found else node)


def _warn_once(told: str) -> None:
    """Log once per process that callers cannot be distinguished, so that limits and allowed networks are wrong."""
    if not _WARNED:
        _WARNED.append(told)
        log.error("gateway.caller_unknown", told=told, so="the proxy's address is taken for the caller's")


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
