"""The containers' health check: `python -IS ops/probe.py /readyz` ends with 0 if the service in the container says 200.

Sockets and nothing else: it runs every second while five services start, and an HTTP client takes three times as long.
"""

import os
import socket
import sys

SECONDS = 4


def answers(path: str, port: int) -> bool:
    """Does the service on this machine's `port` answer `path` with 200?"""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1], int(os.environ["PORTAL_PORT"])))
