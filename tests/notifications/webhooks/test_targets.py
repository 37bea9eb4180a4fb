"""Nothing is sent into the company's own network unless the operator says so, whatever an address is made to look like."""

import asyncio
import socket
from typing import Any

import pytest

from services.notifications.webhooks.models import Outcome
from services.notifications.webhooks.outgoing import Outgoing
from services.notifications.webhooks.targets import TargetRefused, require_target
from tests.notifications.webhooks.receiver import receiving


@pytest.mark.parametrize(
    "url",
    [
        "", "erp.example", "ftp://erp.example/", "http://erp.example/", "https://", "https:///path", "https://a:70000/",
        "https://clara:secret@erp.example/", "https://clara@erp.example/", "https://erp.example/#here", "mailto:a@b.example",
        *(f"https://{each}/hook" for each in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]")),
        "https://xn--/", "https://xn--a/", "https://[fe80::1%25eth0]/", "https://①②⑦.⓪.⓪.①/",
        *(f"https://{each}/hook" for each in ("2130706433", "127.1", "0x7f.1", "[fec0::1]", "[64:ff9b:1::1]", "localhost")),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_told_is_refused_at_once(url: str) -> None:
    with pytest.raises(TargetRefused):
        require_target(url, private=False)


def test_the_host_of_an_address_is_said() -> None:
    assert require_target("https://erp.example:8443/hook?key=1", private=False) == "erp.example"
    assert require_target("http://127.0.0.1:9/", private=True) == "127.0.0.1"
    with pytest.raises(TargetRefused):
        require_target("http://clara:secret@127.0.0.1/", private=True)


class Listening:
    """Servers on both loopback addresses that count who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> int:
        async def took(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            writer.close()

        first = await asyncio.start_server(took, "127.0.0.1", 0)
        port: int = first.sockets[0].getsockname()[1]
        self._servers = [first, await asyncio.start_server(took, "::1", port)] if socket.has_ipv6 else [first]
        return port

    def stop(self) -> None:
        for server in self._servers:
            server.close()


def leads_to(*addresses: str) -> Any:
    """A resolver by which every name has these addresses."""

    def look_up(_host: str, port: int, *_: object) -> list[Any]:
        family = {False: socket.AF_INET, True: socket.AF_INET6}
        return [(family[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    return look_up


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", None),
        ("127.0.0.1", None),
        ("[::1]", None),
        ("[::ffff:127.0.0.1]", None),
        ("inside.example", ("127.0.0.1",)),
        ("inside.example", ("10.0.0.1",)),
        ("metadata.example", ("169.254.169.254",)),
        ("site.example", ("fec0::1",)),
        ("nat64.example", ("64:ff9b:1::1",)),
        ("compatible.example", ("::127.0.0.1",)),
        ("2130706433", None),
        ("127.1", None),
        ("0x7f.1", None),
        ("both.example", ("93.184.216.34", "127.0.0.1")),
        ("both.example", ("::1", "2606:4700:4700::1111")),
    ],
)
async def test_nothing_is_sent_to_an_address_that_is_not_the_internets(
    host: str, addresses: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening()
    port = await listening.start()
    outgoing = Outgoing(private=False)
    connects: list[object] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", lambda *each: connects.append(each))
    if addresses:
        monkeypatch.setattr(socket, "getaddrinfo", leads_to(*addresses))
    try:
        assert await outgoing.post(f"https://{host}:{port}/", {}, b"{}") == Outcome(error="refused_address")
    finally:
        await outgoing.close()
        listening.stop()
    assert (listening.connections, connects) == (0, [])


async def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the second look, which an attacker would answer with an address in here, never happens."""
    asked: list[str] = []
    connects: list[Any] = []

    def first_public_then_private(host: str, port: int, *rest: object) -> list[Any]:
        asked.append(host)
        return leads_to("127.0.0.1" if len(asked) > 1 else "93.184.216.34")(host, port, *rest)

    async def connect(_socket: socket.socket, address: tuple[str, int]) -> None:
        connects.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", first_public_then_private)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    outgoing = Outgoing(private=False)
    assert await outgoing.post("https://rebinding.example/", {}, b"{}") == Outcome(error="unreachable")
    await outgoing.close()
    assert (asked, connects) == (["rebinding.example"], [("93.184.216.34", 443)])


async def test_what_was_entered_while_it_was_allowed_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    connects: list[object] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", lambda *each: connects.append(each))
    outgoing = Outgoing(private=False)
    assert await outgoing.post("http://93.184.216.34/", {}, b"{}") == Outcome(error="refused_address")
    await outgoing.close()
    assert connects == []


async def test_the_last_look_is_at_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if every check before it were gone."""
    monkeypatch.setattr("services.notifications.webhooks.outgoing.require_target", lambda *_args, **_more: "")
    listening = Listening()
    port = await listening.start()
    outgoing = Outgoing(private=False)
    assert await outgoing.post(f"http://127.0.0.1:{port}/", {}, b"{}") == Outcome(error="refused_address")
    await outgoing.close()
    listening.stop()
    assert listening.connections == 0


async def test_why_nothing_was_answered_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = Listening()
    port = await listening.start()
    outgoing = Outgoing(private=True)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    assert await outgoing.post(f"http://127.0.0.1:{nobody}/", {}, b"{}") == Outcome(error="unreachable")
    assert await outgoing.post(f"http://127.0.0.1:{port}/", {}, b"{}") == Outcome(error="unreachable")
    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    assert await outgoing.post("https://gone.example/", {}, b"{}") == Outcome(error="no_such_host")
    await outgoing.close()
    listening.stop()


async def test_without_a_certificate_to_believe_nothing_is_sent() -> None:
    async with receiving() as receiver:
        outgoing = Outgoing(private=True)
        https = f"https://127.0.0.1:{receiver.port}/"
        assert await outgoing.post(https, {}, b"{}") == Outcome(error="tls")
        await outgoing.close()
        assert receiver.told == {}


def nobody_knows(*_: object) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
