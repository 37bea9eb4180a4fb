"""What an answer leaves in: its beginning together, whatever comes later at once."""

import asyncio

from shared.server import HELD_BYTES, Counted

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """A transport that keeps each write apart, as each is a system call."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.ended = ""

    def is_closing(self) -> bool:
        return bool(self.ended)

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.writes.append(data)

    def write_eof(self) -> None:
        self.ended = "written"

    def close(self) -> None:
        self.ended = "closed"


def counted() -> tuple[Counted, Wire]:
    wire = Wire()
    return Counted(wire, asyncio.get_running_loop()), wire


async def test_head_and_body_of_one_turn_leave_together() -> None:
    transport, wire = counted()
    transport.write(HEAD)
    transport.write(b"body")
    await asyncio.sleep(0)
    assert wire.writes == [HEAD + b"body"]
    assert transport.written == len(HEAD) + 4


async def test_head_waits_for_no_body_and_what_comes_later_for_nothing() -> None:
    transport, wire = counted()
    transport.write(HEAD)
    await asyncio.sleep(0)
    assert wire.writes == [HEAD]
    transport.write(b"event")
    assert wire.writes == [HEAD, b"event"]


async def test_the_next_answer_is_held_again() -> None:
    transport, wire = counted()
    for _ in range(2):
        transport.write(HEAD)
        transport.write(b"body")
        await asyncio.sleep(0)
    assert wire.writes == [HEAD + b"body"] * 2


async def test_large_body_is_not_held() -> None:
    transport, wire = counted()
    transport.write(HEAD)
    transport.write(b"x" * HELD_BYTES)
    transport.write(b"more")
    assert [len(data) for data in wire.writes] == [len(HEAD) + HELD_BYTES, 4]


async def test_what_is_held_for_nobody_is_dropped() -> None:
    transport, wire = counted()
    transport.write(HEAD)
    wire.ended = "lost"
    await asyncio.sleep(0)
    assert wire.writes == []


async def test_what_is_held_leaves_before_the_end() -> None:
    for end, ended in ((Counted.close, "closed"), (Counted.write_eof, "written")):
        transport, wire = counted()
        transport.write(HEAD)
        end(transport)
        assert (wire.writes, wire.ended) == ([HEAD], ended)
        await asyncio.sleep(0)
        assert wire.writes == [HEAD]
