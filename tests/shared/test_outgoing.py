"""Which addresses are called on somebody else's word: identity and activity ask the same rule."""

import asyncio
import socket
import threading

import pytest

from shared.outgoing import LOOK_UPS, LookUps, may_call, may_name

OWN = [
    *("127.0.0.1", "127.9.9.9", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("100.64.0.1", "::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1"),
]
NOBODYS = [
    *(
        "0.0.0.0",
        "169.254.169.254",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
    ),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::ffff:a9fe:a9fe", "2002:a9fe:a9fe::"),
    *("64:ff9b::169.254.169.254", "64:ff9b::e000:1", "64:ff9b:1::1", "64:ff9b:1:7f00:1::", "fec0::1", "feff::1"),
    *("::", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1", "100::1", "fe80::1", "fe80::1%eth0"),
    *("ff02::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2001:10::1", "3fff::1", "5f00::1"),
    *("2606:4700:4700::1111%eth0", "fd12::1%eth0", "", "localhost", "2130706433", "127.1", "010.0.0.1"),
]
INTERNETS = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "192.0.1.1", "223.255.255.254", "2606:4700:4700::1111"),
    *("2001:4860:4860::8888", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"),
]


@pytest.mark.parametrize("address", OWN)
def test_the_companys_own_network_is_called_where_the_operator_says_so(address: str) -> None:
    assert (may_call(address, private=False), may_call(address, private=True)) == (False, True)


@pytest.mark.parametrize("address", NOBODYS)
def test_what_is_no_host_of_anybodys_network_is_never_called(address: str) -> None:
    assert (may_call(address, private=False), may_call(address, private=True)) == (False, False)


@pytest.mark.parametrize("address", INTERNETS)
def test_what_is_the_internets_is_called(address: str) -> None:
    assert (may_call(address, private=False), may_call(address, private=True)) == (True, True)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "2130706433",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.1",
            "017700000001",
            "0177.0.0.1",
            "1.2.3.4.5",
        ),
        *("127.1.", "evil.example.1", "0x", "8.8", "169.254.169.254", "::127.0.0.1", "fec0::1", "fe80::1%eth0"),
    ],
)
def test_a_number_in_another_form_is_no_name(host: str) -> None:
    assert (may_name(host, private=False), may_name(host, private=True)) == (False, False)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.0.0.1.", "10.0.0.1", "::1"]
)
def test_this_machine_and_this_network_by_name(host: str) -> None:
    assert (may_name(host, private=False), may_name(host, private=True)) == (False, True)


@pytest.mark.parametrize(
    "host", ["login.example", "8.8.8.8", "2606:4700::1111", "0xcafe.example", "1.example", "xn--bcher-kva.example."]
)
def test_names_of_the_internet(host: str) -> None:
    assert may_name(host, private=False)


async def test_a_domain_that_nobody_answers_for_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when many of its names are asked for, and whoever asked has given up long ago."""
    answers = threading.Event()

    def ask(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        if host.endswith("dead.example"):
            answers.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    look_ups = LookUps()
    for _ in range(2):
        asked = [asyncio.create_task(look_ups.find(f"{number}.dead.example", 443)) for number in range(LOOK_UPS)]
        await asyncio.wait(asked, timeout=0.1)
        for each in asked:
            each.cancel()
    async with asyncio.timeout(30):
        assert await look_ups.find("erp.alive.example", 443) == [(socket.AF_INET, 6, "93.184.216.34")]
    answers.set()
    async with asyncio.timeout(30):
        await look_ups.find("1.dead.example", 443)
    look_ups.close()
