"""The way out to identity providers: what a client's settings name must not reach into this installation's network."""

from collections.abc import AsyncIterator
from typing import cast

import httpx2

from shared.outgoing import LookUps, may_call, may_name

SECONDS = 5
LARGEST = 256 * 1024
"""Bytes of an answer: documents of providers take a few kilobytes."""


class Refused(httpx2.RequestError):
    """We do not ask there, or do not read the answer."""


class Outgoing(httpx2.AsyncBaseTransport):
    """https only, to addresses that `shared.outgoing` allows, answers of bounded size.

    The address is looked up once and then connected to, so a name cannot point elsewhere in between. With `private`
    addresses of the own network are allowed, and plain http on this very machine.
    """

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._inner = httpx2.AsyncHTTPTransport()
        self._look_ups = LookUps()

    def allows(self, address: httpx2.URL | str) -> bool:
        """Whether a provider may have this URL, checked without looking up its name."""
        try:
            url = httpx2.URL(address)
        except httpx2.InvalidURL:
            return False
        loopback = self._private and url.host in ("localhost", "127.0.0.1", "::1")
        safe = url.scheme == "https" or (url.scheme == "http" and loopback)
        return bool(url.host) and not url.userinfo and safe and may_name(url.host, private=self._private)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `httpx2.RequestError`."""
        if not self.allows(request.url):
            raise Refused("not an address we ask", request=request)
        failure: httpx2.ConnectError | None = None
        for address in await self._addresses(request):
            try:
                return _bounded(await self._inner.handle_async_request(_sent_to(address, request)), request)
            except httpx2.ConnectError as error:
                failure = error
        raise failure or Refused("no address", request=request)

    async def close(self) -> None:
        """Close every connection. (`aclose` belongs to the clients that share this transport.)"""
        await self._inner.aclose()
        self._look_ups.close()

    async def _addresses(self, request: httpx2.Request) -> list[str]:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            found = await self._look_ups.find(request.url.host, port)
        except OSError as error:
            raise httpx2.ConnectError("no such host", request=request) from error
        addresses = [address for _, _, address in found]
        if not all(may_call(each, private=self._private) for each in addresses):
            raise Refused("an address we do not call", request=request)
        return addresses


def _sent_to(address: str, request: httpx2.Request) -> httpx2.Request:
    """The same request to an address that has been looked at; name and certificate stay those of the host."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=httpx2.Headers({**request.headers, "Accept-Encoding": "identity"}),
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _bounded(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Refused("an encoded answer", request=request)
    response.stream = _Bounded(cast("httpx2.AsyncByteStream", response.stream), request)
    return response


class _Bounded(httpx2.AsyncByteStream):
    """The body, until it is too long."""

    def __init__(self, body: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._body = body
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._body:
            read += len(chunk)
            if read > LARGEST:
                raise Refused("too long an answer", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()
