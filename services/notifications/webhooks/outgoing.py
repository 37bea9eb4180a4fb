"""The way out to receivers: what somebody entered as an address must not reach into this installation's network."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.notifications.webhooks.models import Outcome
from services.notifications.webhooks.targets import TargetRefused, require_target
from shared.outgoing import LookUps, may_call

SECONDS = 10.0
MOST_READ = 1024
"""Bytes of an answer that are read, and thrown away: the status says everything."""
AGENT = "client-portal-webhooks/1"


class RefusedAddress(OSError):
    """Nothing is sent there."""


class Outgoing:
    """POSTs without redirects, proxies, cookies or kept connections, and only to what `shared.outgoing` allows.

    Where a name leads is looked up once and then connected to, so it cannot point elsewhere in between; the address
    is looked at again when the socket is made, which is the only way to connect.
    """

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self._names = _Names(private=private)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        """Send it, and say what came of it: never raises."""
        try:
            require_target(url, private=self.private)
            async with asyncio.timeout(SECONDS):
                return Outcome(status=await self._post(url, headers, body))
        except TargetRefused:
            return Outcome(error="refused_address")
        except TimeoutError:
            return Outcome(error="timeout")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failed(error)

    async def close(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()
        await self._names.close()

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        session = self._session = self._session or self._open()
        told = {"content-type": "application/json", "user-agent": AGENT, **headers}
        async with session.post(URL(url), data=body, headers=told, allow_redirects=False) as response:
            with suppress(aiohttp.ClientError, TimeoutError):
                await response.content.read(MOST_READ)
            return response.status

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=self._names, use_dns_cache=False, force_close=True, limit=0, socket_factory=self._socket
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=MOST_READ,
        )

    def _socket(self, address_info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not may_call(address[0], private=self.private):
            raise RefusedAddress
        return socket.socket(family, kind, protocol)


class _Names(AbstractResolver):
    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._look_ups = LookUps()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `RefusedAddress` if any of the addresses is not one to call."""
        addresses = await self._look_ups.find(host, port, family)
        if not all(may_call(address, private=self._private) for _, _, address in addresses):
            raise RefusedAddress
        numeric = socket.AI_NUMERICHOST
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=protocol, flags=numeric)
            for kind, protocol, address in addresses
        ]

    async def close(self) -> None:
        self._look_ups.close()


def _failed(error: Exception) -> Outcome:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, RefusedAddress):
        return Outcome(error="refused_address")
    if isinstance(cause, socket.gaierror):
        return Outcome(error="no_such_host")
    if isinstance(cause, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
        return Outcome(error="tls")
    return Outcome(error="unreachable")
