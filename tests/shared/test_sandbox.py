"""A child of the sandbox computes, and can do nothing else."""

import asyncio
import os

import pytest

from shared.sandbox import Rejected, Sandbox, TooBusy

CAPTIVE = "tests.shared.captive"
STOPPED = {
    "read a file": "PermissionError",
    "write a file": "PermissionError",
    "list a folder": "PermissionError",
    "call out": "PermissionError",
    "speak to a neighbour": "PermissionError",
    "fork": "PermissionError",
    "become another program": "PermissionError",
    "start a thread": "RuntimeError",
    "signal its parent": "PermissionError",
    "have a gigabyte": "MemoryError",
}


async def test_it_is_given_bytes_and_gives_bytes_back() -> None:
    sandbox = Sandbox(CAPTIVE)
    large = os.urandom(3_000_000)
    assert await sandbox.run(b"abc", caller="anna", most=3) == b"cba"
    assert await sandbox.run(large, caller="anna", most=len(large)) == large[::-1]


async def test_it_reaches_no_file_no_network_no_process_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRETS_KEY", "secret")
    sandbox = Sandbox(CAPTIVE)
    said = {
        what: (await sandbox.run(b"", what, caller="anna", most=1_000)).decode()
        for what in [*STOPPED, "know its variables"]
    }
    assert said == STOPPED | {"know its variables": said["know its variables"]}
    assert "PORTAL" not in said["know its variables"]


@pytest.mark.parametrize(
    ("what", "reason"), [("refuse", "word"), ("break", ""), ("spin", ""), ("flood", "")], ids=lambda each: each
)
async def test_what_does_not_come_to_an_answer_is_rejected(what: str, reason: str) -> None:
    """A word of its own, an error, an end without an answer, an answer that is too long."""
    sandbox = Sandbox(CAPTIVE, seconds=1)
    with pytest.raises(Rejected) as refused:
        await sandbox.run(b"some bytes", what, caller="anna", most=100)
    assert refused.value.reason == reason
    assert await sandbox.run(b"next", caller="anna", most=100) == b"txen"


async def test_who_comes_when_too_many_wait_is_told_at_once() -> None:
    """Work is done one after the other, and whoever leaves makes room."""
    sandbox = Sandbox(CAPTIVE, seconds=60, waiting=1)
    working, waits = (
        asyncio.create_task(sandbox.run(b"", what, caller=who, most=1)) for who, what in (("anna", "spin"), ("ben", ""))
    )
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await sandbox.run(b"", caller="clara", most=1)
    working.cancel()
    assert await waits == b""
    assert await sandbox.run(b"a", caller="clara", most=1) == b"a"


async def test_one_caller_has_one_place() -> None:
    """Whoever sends slow files one beside the other keeps nobody else out."""
    sandbox = Sandbox(CAPTIVE, seconds=60, waiting=1)
    working = asyncio.create_task(sandbox.run(b"", "spin", caller="anna", most=1))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        async with asyncio.timeout(5):
            await sandbox.run(b"", caller="anna", most=1)
    waits = asyncio.create_task(sandbox.run(b"b", caller="ben", most=1))
    await asyncio.sleep(0)
    working.cancel()
    assert await waits == b"b"
    assert await sandbox.run(b"a", caller="anna", most=1) == b"a"
