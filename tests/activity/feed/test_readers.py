"""Readers that do not behave, against the service as a process of its own."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from ops.stack.backing import Backing
from shared.actor import Actor
from shared.clock import uuid7
from shared.testing.claims import Signer
from tests.activity.build import ANNA, milestone_created
from tests.activity.process import Service, service
from tests.activity.rig import Publisher, empty_streams, publisher
from tests.activity.sse import Browser, EventSource
from tests.conftest import Cluster

RELAUNCH = uuid7()
MEGABYTE = 1_000_000


@pytest.fixture
async def source(servers: Backing, cluster: Cluster) -> AsyncGenerator[Publisher]:
    await empty_streams(servers)
    async with publisher(servers, cluster) as running:
        yield running


@pytest.fixture
async def activity(
    servers: Backing,
    cluster: Cluster,
    signer: Signer,
    tmp_path: Path,
    source: Publisher,
    request: pytest.FixtureRequest,
) -> AsyncGenerator[Service]:
    """The service in its own process; a test may set how long it waits for readers that take nothing."""
    patience = getattr(request, "param", 3)
    url = await cluster.create("activity")
    async with service(servers, signer, url, tmp_path, stream_patience=patience, stream_heartbeat=1) as running:
        yield running


@pytest.fixture
async def browser(activity: Service, signer: Signer) -> AsyncGenerator[Browser]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http:
        yield Browser(activity.url, signer, http)


def get(signer: Signer, actor: Actor) -> bytes:
    token = signer.token(actor, "activity")
    return f"GET /api/events/{actor.client_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def connect(activity: Service, *, window: int | None = None) -> socket.socket:
    """A plain connection, with as small a receive window as the system allows."""
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.connect(("127.0.0.1", activity.port))
    return connection


def reset(connection: socket.socket) -> None:
    """Close with a reset: unsent and unread data is thrown away on both sides."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def until_streams(activity: Service, count: int) -> None:
    async with asyncio.timeout(60):
        while await activity.metric("activity_open_streams") != count:
            await asyncio.sleep(0.05)


async def test_readers_that_never_read_are_shed_and_cost_the_others_nothing(
    activity: Service, source: Publisher, browser: Browser, signer: Signer
) -> None:
    """L3, bounded: 40 readers that take nothing beside 10 that do, and more data than anybody would buffer."""
    lazy = [connect(activity, window=4096) for _ in range(40)]
    for connection in lazy:
        connection.sendall(get(signer, ANNA))
    opened = [browser.open(ANNA) for _ in range(10)]
    readers: list[EventSource] = [await each.__aenter__() for each in opened]
    for reader in readers:
        await reader.begun()
    await until_streams(activity, 50)
    before, descriptors = activity.peak(), await activity.metric("process_open_fds")

    taking = asyncio.gather(
        *(reader.take(400) for reader in readers)
    )  # from now on: who waits is one that does not read
    long = "x" * 20_000
    for _ in range(20):
        await source.publish_all([(milestone_created(RELAUNCH, long), uuid7()) for _ in range(20)])
    async with asyncio.timeout(60):
        got = await taking
    assert [len(messages) for messages in got] == [400] * 10
    assert all(message.event == "milestone_created" for messages in got for message in messages)
    await until_streams(activity, 10)
    assert await activity.metric("activity_streams_shed_total") >= 40
    assert activity.peak() - before < 50 * MEGABYTE
    # Not only forgotten: the connections are gone. To the database there may be a few more by now.
    assert await activity.metric("process_open_fds") < descriptors - 30
    for connection in lazy:
        connection.close()
    for each in opened:
        await each.__aexit__(None, None, None)


async def test_torn_connections_leave_nothing_behind(
    activity: Service, source: Publisher, cluster: Cluster, signer: Signer
) -> None:
    """L4, bounded: 200 connections reset before the headers, after them, mid-event and idle."""
    rng = random.Random(4)
    lines = get(signer, ANNA)
    await until_streams(activity, 0)
    writing = asyncio.create_task(keep_publishing(source))
    for _ in range(20):
        batch = [connect(activity) for _ in range(10)]
        for connection in batch:
            connection.sendall(lines if rng.random() < 0.8 else lines[: rng.randrange(len(lines))])
        await asyncio.sleep(rng.random() * 0.1)
        for connection in batch:
            reset(connection) if rng.random() < 0.7 else connection.close()
    writing.cancel()
    await until_streams(activity, 0)
    assert await activity.metric("process_open_fds") < 40
    assert activity.log.count('"level":"error"') == 0, activity.log


async def keep_publishing(source: Publisher) -> None:
    while True:
        await source.publish(milestone_created(RELAUNCH, "x" * 2000))
        await asyncio.sleep(0.01)


async def test_a_stopping_service_sends_its_readers_away_properly(
    activity: Service, source: Publisher, browser: Browser
) -> None:
    """O2: each stream ends complete, and resumes behind its last entry where the service is up again."""
    opened = [browser.open(ANNA) for _ in range(20)]
    readers = [await each.__aenter__() for each in opened]
    for reader in readers:
        await reader.begun()
    await source.publish(milestone_created(RELAUNCH, "Before"))
    for reader in readers:
        await reader.next()
    await activity.stop()
    for reader in readers:
        with pytest.raises(EOFError):
            await reader.next()
        assert not reader.torn
    assert len({reader.retry for reader in readers}) > 10, "all of them come back at the same moment"
    for each in opened:
        await each.__aexit__(None, None, None)
    await source.publish(milestone_created(RELAUNCH, "Meanwhile"))
    await activity.begin()
    async with browser.open(ANNA, last_id=readers[0].last_id) as reader:
        assert "Meanwhile" in (await reader.next()).data["title"]


@pytest.mark.parametrize("activity", [60], indirect=True)
async def test_a_reader_that_falls_behind_is_told_to_start_afresh(
    activity: Service, source: Publisher, browser: Browser, signer: Signer
) -> None:
    """It stops reading for a while, within the server's patience, while more arrives than its queue holds."""
    slow = connect(activity, window=4096)
    slow.sendall(get(signer, ANNA))
    await until_streams(activity, 1)
    async with browser.open(ANNA) as witness:
        await witness.begun()
        await source.publish_all([(milestone_created(RELAUNCH, "x" * 20_000), uuid7()) for _ in range(500)])
        ids = [message.id for message in await witness.take(500)]
    text = (await asyncio.to_thread(drain, slow)).decode()
    assert text.endswith("0\r\n\r\n")
    got, _, farewell = text.partition("event: reset")
    seen = [line.removeprefix("id: ") for line in got.splitlines() if line.startswith("id: ") and line != "id: 0"]
    assert seen[:-1] == ids[: len(seen) - 1]
    assert 0 < len(seen) < 500
    head = seen[-1]
    assert f'{{"head":{head}}}' in farewell
    async with browser.open(ANNA, last_id=head) as again:
        rest = ids[ids.index(head) + 1 :]
        assert [message.id for message in await again.take(len(rest))] == rest


def drain(connection: socket.socket) -> bytes:
    """Everything up to the end of the answer; the connection itself would stay for the next one."""
    got = bytearray()
    while not got.endswith(b"0\r\n\r\n") and (part := connection.recv(65536)):
        got += part
    connection.close()
    return bytes(got)
