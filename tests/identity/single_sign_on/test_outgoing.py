"""The way out: a client's settings reach nothing inside."""

import gzip
import socket
from typing import Any

import httpx2
import pytest
from aiohttp import web

from services.identity.single_sign_on.models import IssuerUnusable
from services.identity.single_sign_on.openid import OpenId
from services.identity.single_sign_on.outgoing import LARGEST, Outgoing, Refused
from tests.identity.idp import running_idp


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
        ("https://2130706433/", False, False),
        ("https://0x7f.1/", False, False),
        ("https://[fec0::1]/", False, False),
        ("https://[64:ff9b:1::1]/", False, False),
        ("https://10.0.0.1/", False, True),
        ("https://169.254.169.254/", False, False),
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


@pytest.mark.parametrize(
    "inside",
    ["10.0.0.1", "169.254.169.254", "fec0::1", "64:ff9b:1::1", "64:ff9b::10.0.0.1", "2002:a00:1::", "::127.0.0.1"],
)
async def test_a_name_with_one_address_inside_is_not_asked(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that first points outside and then inside (DNS rebinding) is looked up once, and all it says counts."""

    def told(*_: Any, **__: Any) -> list[Any]:
        addresses = [("8.8.8.8", 443), (inside, 443)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", told)
    await refused(False, "https://login.example/")


async def test_nothing_follows_a_provider_that_sends_elsewhere() -> None:
    async with running_idp() as inside, running_idp() as idp:
        moved = web.Response(status=302, headers={"Location": f"{inside.url}/jwks"})
        idp.answers["/.well-known/openid-configuration"] = moved
        with pytest.raises(IssuerUnusable):
            await OpenId(Outgoing(private=True), "https://portal.example").check_issuer(idp.url)
        assert inside.calls == []


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
