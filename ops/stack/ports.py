"""Ports on the loopback address that nobody uses."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below what systems hand to outgoing connections (RFC 6335 dynamic ports start higher, Linux's at 32768): a client that
# keeps trying a dead server's port in that range may at last connect to itself and keep the server from coming back.
FREE_RANGE = range(20_000, 32_000)
ATTEMPTS = 200
_promised: list[socket.socket] = []
"""Ports whose servers have yet to bind them: of twenty drawn at random, two are the same in one start of sixty.

Each is a name in Linux's abstract namespace, which every start on this machine sees and which ends with this process.
"""


def listen(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """A listening socket; port 0 means any free one. Raises `OSError` when the port is taken."""
    if port:
        return _bind(host, port)
    bound, promise = _draw(host)
    promise.close()
    return bound


def free_port() -> int:
    """The number of a port that is free, for a server that binds by itself; never given twice on this machine."""
    bound, promise = _draw(LOOPBACK)
    _promised.append(promise)
    with bound:
        return int(bound.getsockname()[1])


def _draw(host: str) -> tuple[socket.socket, socket.socket]:
    """A free port at random, bound, and the promise of it. Raises `OSError` if there seems to be none."""
    for candidate in random.sample(FREE_RANGE, ATTEMPTS):
        promise = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            promise.bind(f"\0portal-port-{candidate}")
            return _bind(host, candidate), promise
        except OSError:
            promise.close()
    msg = f"none of {ATTEMPTS} ports tried on {host} is free"
    raise OSError(msg)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of the last run in TIME_WAIT must not keep a port; a listener still does.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    return bound
