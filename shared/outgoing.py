"""Where this installation calls on somebody else's word: an issuer that a client named, a receiver that a partner did.

One rule for all of them (decision 0075). A name is looked up once, and its addresses are checked here when the
connection is made. The URL that somebody enters is checked before that, so that they get an error immediately.
"""

import asyncio
import re
import socket
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# IANA, "IPv4 Special-Purpose Address Registry", multicast and what is reserved with it: all but the internet's hosts.
_SPECIAL_4 = [
    ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3"),
    )
]
# Of IPv6 one eighth was ever given out (RFC 4291, 2.4): fec0::/10, 64:ff9b:1::/48, ::/96 and the like need no list.
_INTERNET_6 = ip_network("2000::/3")
_SPECIAL_6 = [ip_network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_OWN = [
    ip_network(each)
    for each in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
_NAT64 = ip_network("64:ff9b::/96")
LOOK_UPS, LOOK_UPS_EACH = 16, 4
"""Names looked up at once, each by a thread, of which a container has few; and those of one domain."""

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def may_call(address: str, *, private: bool) -> bool:
    """Whether to connect to a numeric address: one of the internet's, or with `private` of a company's own network.

    Where it stands for an IPv4 address (mapped, NAT64, 6to4), that one is asked about. What is bound to a link, such as
    the address at which a cloud hands out credentials, is never called.
    """
    try:
        parsed = _carried(ip_address(address))
    except ValueError:
        return False
    if _is_internets(parsed):
        return True
    return private and getattr(parsed, "scope_id", None) is None and any(parsed in each for each in _OWN)


def may_name(host: str, *, private: bool) -> bool:
    """Whether the host of a URL may lead anywhere, before its name is looked up.

    A number in another form than four decimals (`2130706433`, `127.1`, `0x7f.1`) is refused for what it is: there is no
    good reason to write one, and libraries disagree on what it means.
    """
    host = host.lower().rstrip(".")
    if ":" in host or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host):
        return may_call(host, private=private)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return False
    return private or not (host == "localhost" or host.endswith(".localhost"))


class LookUps:
    """Looks names up in threads of its own. A domain whose name server does not answer keeps its own share of them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="names")
        self._shares: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(LOOK_UPS_EACH))

    async def find(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[tuple[int, int, str]]:
        """Family, protocol and numeric address of each place that the name leads to. Raises `OSError`."""
        share = self._shares[".".join(host.lower().rstrip(".").split(".")[-2:])]
        await share.acquire()
        asked = (self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        looking = asyncio.get_running_loop().run_in_executor(*asked)
        looking.add_done_callback(lambda _: share.release())
        # Who gives up leaves the thread behind, and its place taken: nothing ends it but an answer.
        return [(each[0], each[2], str(each[4][0])) for each in await asyncio.shield(looking)]

    def close(self) -> None:
        """End the threads, not waiting for names that nobody answers for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_internets(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in each for each in _SPECIAL_4)
    return address in _INTERNET_6 and address.scope_id is None and not any(address in each for each in _SPECIAL_6)


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
