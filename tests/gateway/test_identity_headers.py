"""G1: identity comes only from the gateway, whatever the caller writes into a head."""

import asyncio
from itertools import product

import pytest

from tests.gateway.raw import Answer, ask, request
from tests.gateway.rig import Rig

NAMES = (
    "authorization", "proxy-authorization", "x-portal-user", "x-portal-client", "x-portal-claims", "x-tenant-id",
    "x-user-id", "x-client-id", "x-internal-token", "x-forwarded-user", "x-forwarded-for", "x-forwarded-proto",
    "x-forwarded-host", "x-real-ip", "forwarded", "x-request-id", "x-original-url", "x-rewrite-url",
    "x-http-method-override", "x-method-override", "x-auth-request-user", "x-ssl-client-dn", "remote-user", "via",
)  # fmt: skip
VALUE = "forged-4711"


def spellings(name: str) -> dict[str, bytes]:
    """Ways to write a header so that a sloppy reader takes it for `name`."""
    folded = name.replace("-", "_")
    connection = f"Connection: keep-alive, {name}".encode()
    line = f"{name}: {VALUE}".encode()
    return {
        "plain": line,
        "upper": f"{name.upper()}: {VALUE}".encode(),
        "title": f"{name.title()}: {VALUE}".encode(),
        "underscores": f"{folded}: {VALUE}".encode(),
        "upper underscores": f"{folded.upper()}: {VALUE}".encode(),
        "as CGI has it": f"HTTP_{folded.upper()}: {VALUE}".encode(),
        "dots": f"{name.replace('-', '.')}: {VALUE}".encode(),
        "mixed": f"{name.replace('-', '_', 1)}: {VALUE}".encode(),
        "no space": f"{name}:{VALUE}".encode(),
        "tab before the value": f"{name}:\t{VALUE}".encode(),
        "space after the value": f"{name}: {VALUE} \t ".encode(),
        "twice": line + b"\r\n" + line,
        "twice in two cases": line + b"\r\n" + f"{name.title()}: {VALUE}".encode(),
        "empty, then forged": f"{name}:\r\n{name}: {VALUE}".encode(),
        "listed in Connection": connection + b"\r\n" + line,
        "listed in Connection, title case": f"Connection: {name.title()}\r\n{name}: {VALUE}".encode(),
        "listed but absent": connection,
        "in Keep-Alive": f"Keep-Alive: {name}={VALUE}".encode(),
        "in TE": f"TE: trailers\r\nTrailer: {name}\r\n{name}: {VALUE}".encode(),
        "bearer": f"{name}: Bearer {VALUE}.{VALUE}.{VALUE}".encode(),
        "after a comma": f"{name}: , {VALUE}".encode(),
        "encoded name": f"{name.replace('-', '%2d')}: {VALUE}".encode(),
    }


REFUSED = {
    "space before the colon": "{name} : {value}",
    "tab before the colon": "{name}\t: {value}",
    "space before the name": " {name}: {value}",
    "folded": "X-A: b\r\n {name}: {value}",
    "bare line feed": "X-A: b\n{name}: {value}",
    "bare carriage return": "X-A: b\r{name}: {value}",
    "null before": "X-A: b\0\r\n{name}: {value}",
    "null in the name": "{name}\0: {value}",
    "no colon": "{name}",
    "umlaut in the name": "{name}\xe4: {value}",
}


def variants() -> list[tuple[str, bytes]]:
    return [(f"{name}, {how}", line) for name in NAMES for how, line in spellings(name).items()]


def as_trailer(name: str) -> bytes:
    chunked = (b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    body = b"2\r\n{}\r\n0\r\n" + f"{name}: {VALUE}\r\n".encode() + b"\r\n"
    return request(*chunked, method=b"POST", body=body)


def test_there_are_enough_variants() -> None:
    assert len(variants()) + len(NAMES) * (len(REFUSED) + 2) >= 500


async def gather(rig: Rig, cookie: bytes, lines: list[bytes]) -> list[Answer]:
    """All of them, a few at a time."""
    gate = asyncio.Semaphore(16)

    async def one(line: bytes) -> Answer:
        async with gate:
            return (await ask(rig.server.port, request(line, cookie)))[0]

    return await asyncio.gather(*(one(line) for line in lines))


async def test_service_sees_one_value_and_it_is_the_gateways(rig: Rig) -> None:
    cookie, _, session = rig.identity.sign_in()
    tried = variants()
    answers = await gather(rig, b"Cookie: portal_session=" + cookie.encode(), [line for _, line in tried])
    for (what, _), answer in zip(tried, answers, strict=True):
        assert answer.status == 200, what
        assert VALUE not in answer.body.decode(), what
        names = [name for name, _ in answer.json()["headers"]]
        ours = [names.count(name) for name in ("authorization", "x-request-id", "traceparent", "host")]
        assert ours == [1, 1, 1, 1], what
        assert set(names) <= {"authorization", "x-request-id", "traceparent", "host"}, what
    everybody = {seen.claims()["sub"] for seen in rig.service.seen[-len(tried) :]}
    assert everybody == {str(session.person_id)}


PASSING = ("accept", "cookie", "hx-request", "if-match", "last-event-id", "user-agent")
"""Headers that do go on: as a trailer they come after the decision, and do not."""


@pytest.mark.parametrize("name", [*NAMES, *PASSING])
async def test_trailer_is_no_header(rig: Rig, name: str) -> None:
    cookie, *_ = rig.identity.sign_in()
    sent = as_trailer(name).replace(b"Host:", b"Cookie: portal_session=" + cookie.encode() + b"\r\nHost:")
    answer, _ = await ask(rig.server.port, sent)
    assert answer.status == 200
    assert VALUE not in answer.body.decode()


async def test_crooked_line_is_refused_and_the_connection_closed(rig: Rig) -> None:
    before = len(rig.service.seen)
    for (how, line), name in product(REFUSED.items(), NAMES):
        crooked = line.format(name=name, value=VALUE).encode("latin-1")
        answer, rest = await ask(rig.server.port, request(crooked))
        assert (answer.status, answer.headers["connection"], rest) == (400, "close", b""), (name, how)
    assert len(rig.service.seen) == before


@pytest.mark.parametrize("name", NAMES)
async def test_http_1_0_is_refused(rig: Rig, name: str) -> None:
    sent = request(f"{name}: {VALUE}".encode()).replace(b"HTTP/1.1", b"HTTP/1.0")
    answer, _ = await ask(rig.server.port, sent)
    assert answer.status == 505


async def test_nobody_with_forged_headers_stays_nobody(rig: Rig) -> None:
    lines = [line for _, line in variants()]
    answers = await gather(rig, b"X-A: b", lines)
    assert {answer.status for answer in answers} == {401}
