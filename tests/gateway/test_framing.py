"""G4: framing is strict. A head or body two readers could cut differently ends the connection, and only in its turn."""

import asyncio

import msgspec
import pytest

from gateway.server import HEAD_BYTES, HEADERS, TARGET_BYTES
from gateway.transfer import FIRST_PART
from tests.gateway.raw import PROJECTS, Wire, ask, request
from tests.gateway.rig import Rig

LENGTH = b"Content-Length: 3"
CHUNKED = b"Transfer-Encoding: chunked"
NEXT = request()
"""What a smuggler hopes will be read as a second request."""


def post(*headers: bytes, body: bytes) -> bytes:
    return request(*headers, method=b"POST", body=body)


def chunks(body: bytes) -> bytes:
    return post(CHUNKED, body=body)


CROOKED = {
    "CL.TE": post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"),
    "TE.CL": post(CHUNKED, LENGTH, body=b"8\r\nSMUGGLED\r\n0\r\n\r\n"),
    "CL.TE, hidden by case": post(LENGTH, b"transfer-ENCODING: Chunked", body=b"0\r\n\r\n"),
    "two equal lengths": post(LENGTH, LENGTH, body=b"abc"),
    "two different lengths": post(LENGTH, b"Content-Length: 4", body=b"abcd"),
    "a list of lengths": post(b"Content-Length: 3, 3", body=b"abc"),
    "length with a plus": post(b"Content-Length: +3", body=b"abc"),
    "length with a minus": post(b"Content-Length: -3", body=b"abc"),
    "length in hexadecimal": post(b"Content-Length: 0x3", body=b"abc"),
    "length with an underscore": post(b"Content-Length: 1_0", body=b"abc"),
    "length with a space inside": post(b"Content-Length: 1 0", body=b"abc"),
    "length with a fraction": post(b"Content-Length: 3.0", body=b"abc"),
    "empty length": post(b"Content-Length:", body=b"abc"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551617", body=b"a"),
    "length with a vertical tab": post(b"Content-Length: \x0b3", body=b"abc"),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked, gzip": post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=b"abc"),
    "xchunked": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "quoted chunked": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunked in two lines": post(b"Transfer-Encoding: x", CHUNKED, body=b"0\r\n\r\n"),
    "space before the colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "tab before the colon": post(b"Content-Length\t: 3", body=b"abc"),
    "vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "folded coding": post(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "folded length": post(b"Content-Length:\r\n 3", body=b"abc"),
    "folded header": request(b"X-A: b\r\n c"),
    "space before the first header": b"GET /projects HTTP/1.1\r\n Host: a\r\n\r\n",
    "bare line feeds": request().replace(b"\r\n", b"\n"),
    "one bare line feed": request(b"X-A: b\nX-C: d"),
    "bare carriage return": request(b"X-A: b\rX-C: d"),
    "null in a value": request(b"X-A: b\0c"),
    "no name": request(b": b"),
    "no colon": request(b"X-A"),
    "no host": b"GET /projects HTTP/1.1\r\n\r\n",
    "two hosts": request(b"Host: evil.test"),
    "chunk size negative": chunks(b"-1\r\na\r\n0\r\n\r\n"),
    "chunk size with a prefix": chunks(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk size with a space": chunks(b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunk size with a plus": chunks(b"+3\r\nabc\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": chunks(b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunk size empty": chunks(b"\r\nabc\r\n0\r\n\r\n"),
    "chunk ended by a bare line feed": chunks(b"3\nabc\r\n0\r\n\r\n"),
    "chunk data longer than its size": chunks(b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk data shorter than its size": chunks(b"5\r\nabc\r\n0\r\n\r\n"),
    "last chunk ended by bare line feeds": chunks(b"3\r\nabc\r\n0\n\n"),
    "chunk extension with a bare line feed": chunks(b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "websocket": request(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "h2c": request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    "tunnel": b"CONNECT portal.test:443 HTTP/1.1\r\nHost: portal.test\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no HTTP at all": b"HELO portal.test\r\n\r\n",
    "method in lower case": b"get /projects HTTP/1.1\r\nHost: a\r\n\r\n",
    "tab after the method": b"GET\t/projects HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.2": request().replace(b"HTTP/1.1", b"HTTP/1.2"),
    "lower-case http": request().replace(b"HTTP/1.1", b"http/1.1"),
    "huge header": request(b"X-A: " + b"b" * HEAD_BYTES),
    "endless header": b"GET /projects HTTP/1.1\r\nHost: a\r\nX-A: " + b"b" * 20 * HEAD_BYTES,
    "endless name": b"GET /projects HTTP/1.1\r\nHost: a\r\n" + b"b" * 20 * HEAD_BYTES,
    "many headers": request(*[b"X-%d: b" % n for n in range(HEADERS)]),
    "huge target": request(path=PROJECTS + b"?" + b"a" * TARGET_BYTES),
    "endless target": b"GET /" + b"a" * 20 * HEAD_BYTES,
}


def test_there_are_enough_variants() -> None:
    assert len(CROOKED) >= 40


@pytest.mark.parametrize("crooked", CROOKED.values(), ids=CROOKED.keys())
async def test_crooked_framing_is_refused_and_ends_the_connection(rig: Rig, crooked: bytes) -> None:
    seen = len(rig.service.seen)
    answer, rest = await ask(rig.server.port, crooked + NEXT)
    assert 400 <= answer.status < 500
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert rest == b""
    assert len(rig.service.seen) == seen


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CROOKED["huge header"], 431),
        (CROOKED["endless header"], 431),
        (CROOKED["many headers"], 431),
        (CROOKED["huge target"], 414),
        (CROOKED["endless target"], 414),
        (request().replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
        (b"GET /projects\r\n\r\n", 505),
    ],
)
async def test_refusal_says_what_is_too_much(rig: Rig, sent: bytes, status: int) -> None:
    answer, _ = await ask(rig.server.port, sent)
    assert answer.status == status


def signed_in(cookie: str, *headers: bytes, path: bytes = PROJECTS, method: bytes = b"GET", body: bytes = b"") -> bytes:
    return request(f"Cookie: portal_session={cookie}".encode(), *headers, path=path, method=method, body=body)


async def test_pipelined_answers_belong_to_their_requests(rig: Rig) -> None:
    """1,000 pairs of requests, 50 connections: each answer names the path and body size of its own request."""
    cookie, *_ = rig.identity.sign_in()

    async def connection(number: int) -> None:
        wire = await Wire.open(rig.server.port)
        for pair in range(20):
            path = PROJECTS + b"/%d-%d" % (number, pair)
            size = (number * 37 + pair * 101) % 5000
            framed = (b"Content-Length: %d" % size, b"x" * size)
            if pair % 2:
                framed = (CHUNKED, b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n" if size else b"0\r\n\r\n")
            first = signed_in(cookie, framed[0], path=path, method=b"POST", body=framed[1])
            second = signed_in(cookie, path=path + b"?second")
            await wire.send(first + second)
            answers = [(await wire.read()).json() for _ in range(2)]
            assert [(a["method"], a["target"].encode(), a["size"]) for a in answers] == [
                ("POST", path, size),
                ("GET", path + b"?second", 0),
            ]
        wire.close()

    await asyncio.gather(*(connection(number) for number in range(50)))


async def test_a_hundred_pipelined_at_once_come_back_in_order(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    wire = await Wire.open(rig.server.port)
    await wire.send(b"".join(signed_in(cookie, path=PROJECTS + b"/%d" % n) for n in range(100)))
    targets = [(await wire.read()).json()["target"] for _ in range(100)]
    assert targets == [f"/api/client-portal/projects/{n}" for n in range(100)]
    wire.close()


@pytest.mark.parametrize("crooked", ["CL.TE", "two hosts", "chunk size negative", "websocket", "endless header"])
async def test_refusal_waits_for_the_answers_before_it(rig: Rig, crooked: str) -> None:
    cookie, *_ = rig.identity.sign_in()
    good = [signed_in(cookie, path=PROJECTS + b"/%d" % n) for n in range(3)]
    wire = await Wire.open(rig.server.port)
    await wire.send(b"".join(good) + CROOKED[crooked] + NEXT)
    answers = [await wire.read() for _ in range(4)]
    assert [msgspec.json.decode(a.body)["target"][-2:] for a in answers[:3]] == ["/0", "/1", "/2"]
    assert 400 <= answers[3].status < 500
    assert await wire.rest() == b""


async def test_body_that_breaks_half_way_reaches_nobody_whole(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    seen = len(rig.service.seen)
    wire = await Wire.open(rig.server.port)
    await wire.send(signed_in(cookie, CHUNKED, method=b"POST", body=b"%x\r\n%b\r\n" % (FIRST_PART, b"x" * FIRST_PART)))
    while rig.service.begun == len(rig.service.seen):
        await asyncio.sleep(0.01)
    await wire.send(b"-3\r\nabc\r\n0\r\n\r\n" + NEXT)
    assert (await wire.read()).status == 400
    assert await wire.rest() == b""
    while rig.service.broken_off == 0:
        await asyncio.sleep(0.01)
    assert len(rig.service.seen) == seen


async def test_bytes_after_a_close_are_nobodys_request(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    answer, rest = await ask(rig.server.port, signed_in(cookie, b"Connection: close") + signed_in(cookie))
    assert (answer.status, answer.headers["connection"], rest) == (200, "close", b"")


async def test_head_in_single_bytes_is_a_head(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    wire = await Wire.open(rig.server.port)
    for byte in signed_in(cookie):
        await wire.send(bytes([byte]))
    assert (await wire.read()).status == 200
    wire.close()


async def test_expectation_is_answered_before_the_body(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    wire = await Wire.open(rig.server.port)
    await wire.send(signed_in(cookie, b"Expect: 100-continue", LENGTH, method=b"POST"))
    assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"abc")
    assert (await wire.read()).json()["size"] == 3
    wire.close()
