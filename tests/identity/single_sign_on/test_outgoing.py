"""The way out: a client's settings reach nothing inside."""

import gzip
import socket
from typing import Any

import httpx2
import pytest
from aiohttp import web

from services.identity.single_sign_on.outgoing import LARGEST, Outgoing, Refused, is_public
from tests.identity.idp import running_idp

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_of_the_internet_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_what_is_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "strict", "private"),
    [
        ("https://login.example/", True, True),
        ("https://login.example:8443/realms/x", True, True),
        ("http://login.example/", False, False),
        ("http://127.0.0.1:9000/", False, True),
        ("http://localhost:9000/", False, True),
        ("http://10.0.0.1/", False, False),
        ("https://user:secret@login.example/", False, False),
        ("file:///etc/passwd", False, False),
        ("javascript:alert(1)", False, False),
        ("ftp://login.example/", False, False),
        ("https://login.example:port/", False, False),
        ("https:///path", False, False),
        ("/relative", False, False),
    ],
)
def test_https_only_but_for_this_machine(url: str, *, strict: bool, private: bool) -> None:
    assert Outgoing(private=False).allows(url) is strict
    assert Outgoing(private=True).allows(url) is private


async def test_an_answer_too_long_or_packed_is_not_read() -> None:
    """Both would be good documents: it is the form that is refused."""
    async with running_idp() as idp:
        idp.answers["/long"] = web.Response(body=b" " * LARGEST + b"{}")
        packed = gzip.compress(b"{}")
        idp.answers["/packed"] = web.Response(body=packed, headers={"Content-Encoding": "gzip"})
        for path in ("/long", "/packed"):
            await refused(True, idp.url + path)
        idp.answers["/just"] = web.Response(body=b" " * (LARGEST - 2) + b"{}")
        async with httpx2.AsyncClient(transport=Outgoing(private=True)) as http:
            assert (await http.get(f"{idp.url}/just")).json() == {}


async def refused(private: bool, url: str) -> None:
    async with httpx2.AsyncClient(transport=Outgoing(private=private)) as http:
        with pytest.raises(Refused):
            await http.get(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f.1"]
)
async def test_a_private_address_is_not_asked_whatever_it_is_called(host: str) -> None:
    await refused(False, f"https://{host}:9/")


async def test_a_name_with_one_private_address_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that first points outside and then inside (DNS rebinding) is looked up once, and all it says counts."""

    def told(*_: Any, **__: Any) -> list[Any]:
        addresses = [("8.8.8.8", 443), ("10.0.0.1", 443)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", told)
    await refused(False, "https://login.example/")


async def test_the_address_that_was_looked_at_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_idp() as idp:
        lookups: list[str] = []
        port = int(idp.url.rpartition(":")[2])

        def told(host: str, *_: Any, **__: Any) -> list[Any]:
            lookups.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", told)
        async with httpx2.AsyncClient(transport=Outgoing(private=True)) as http:
            answer = await http.get(f"http://localhost:{port}/jwks")
        assert answer.status_code == 200
        assert lookups.count("localhost") == 1
