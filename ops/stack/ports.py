"""Ports on the loopback address that nobody uses."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below what systems hand to outgoing connections (RFC 6335 dynamic ports start higher, Linux's at 32768): a client that
# keeps trying a dead server's port in that range may at last connect to itself and keep the server from coming back.
FREE_RANGE = range(20_000, 32_000)
ATTEMPTS = 200
_promised: set[int] = set()
"""Ports whose servers have yet to bind them: of twenty drawn at random, two are the same in one start of sixty."""


def listen(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """A listening socket; port 0 means any free one. Raises `OSError` when the port is taken."""
    if port:
        return _bind(host, port)
    for candidate in random.sample(FREE_RANGE, ATTEMPTS):
        if candidate in _promised:
            continue
        try:
            return _bind(host, candidate)
        except OSError:
            continue
    msg = f"none of {ATTEMPTS} ports tried on {host} is free"
    raise OSError(msg)


def free_port() -> int:
    """The number of a port that was free a moment ago, for a server that binds by itself; never given twice."""
    with listen() as found:
        port = int(found.getsockname()[1])
    _promised.add(port)
    return port


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
