"""The gateway as a process: one line for each request, no secret in any, and a quick good end."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import decisions
from ops.serve import application
from ops.stack.ports import free_port
from shared.config import SettingsError
from tests.gateway.raw import Wire, ask, request
from tests.gateway.rig import Echo, Rig

REPOSITORY = Path(__file__).parents[2]
PROJECTS = b"/api/client-portal/projects"


class Process:
    """`python -m ops.serve gateway`, as it runs in a container."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    async def end(self) -> tuple[int, list[dict[str, Any]], bytes]:
        """SIGTERM: the exit code, the decisions and everything written."""
        self.process.terminate()
        written, _ = await self.process.communicate()
        lines = [msgspec.json.decode(line) for line in written.splitlines() if line.startswith(b"{")]
        return self.process.returncode or 0, [line for line in lines if line.get("event") == "decision"], written


def told(rig: Rig, **settings: str) -> dict[str, str]:
    """The environment of a gateway like the rig's."""
    fields = {name: getattr(rig.settings, name) for name in rig.settings.__struct_fields__}
    upstreams = {f"upstream_{name}": address for name, address in fields.pop("upstreams").items()}
    known = {name: str(value) for name, value in (fields | upstreams).items()}
    return {f"PORTAL_{name.upper()}": value for name, value in (known | settings).items()}


@asynccontextmanager
async def running(rig: Rig, **settings: str) -> AsyncIterator[Process]:
    port = free_port()
    environ = os.environ | told(rig, port=str(port), **settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.serve",
        "gateway",
        env=environ | {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"},
        cwd=REPOSITORY,
        stdout=-1,
        stderr=-2,
    )
    try:
        while process.returncode is None:
            try:
                (await Wire.open(port)).close()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        yield Process(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_one_line_a_request_and_no_secret_in_any(rig: Rig) -> None:
    cookie, _, session = rig.identity.sign_in()
    mine = b"Cookie: portal_session=" + cookie.encode()
    secret = b"s3cret-4711"
    async with running(rig) as gateway:
        await ask(gateway.port, request(mine, path=PROJECTS + b"/1?token=" + secret))
        await ask(gateway.port, request(b"Authorization: Bearer " + secret, path=PROJECTS))
        await ask(gateway.port, request(mine, path=b"/api/client-portal/audit"))
        await ask(gateway.port, request(b"Cookie: portal_session=" + secret, path=b"/sign-in/link?token=" + secret))
        await ask(gateway.port, request(b"Host: " + secret))
        _, lines, written = await gateway.end()
    assert [(line["reason"], line["granted"], line["status"]) for line in lines] == [
        ("ok", True, 200),
        ("auth.invalid_token", False, 401),
        ("forbidden", False, 403),
        ("ok", True, 200),
        ("http.malformed", False, 400),
    ]
    first = lines[0]
    assert (first["route"], first["path"], first["method"]) == (PROJECTS.decode(), PROJECTS.decode() + "/1", "GET")
    assert (first["kind"], first["client"], first["session"]) == (
        "client",
        str(session.client_id),
        str(session.session_id),
    )
    assert first["request_id"] == rig.service.seen[-2].all("x-request-id")[0]
    assert first["peer"] == "127.0.0.1"
    for forbidden in (secret, cookie.encode(), b"eyJ"):
        assert forbidden not in written


async def test_sigterm_ends_streams_and_the_process(rig: Rig) -> None:
    async def events(_scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": here\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    rig.service.special["/api/events/1"] = events
    cookie, *_ = rig.identity.sign_in()
    mine = b"Cookie: portal_session=" + cookie.encode()
    async with running(rig) as gateway:
        readers = [await Wire.open(gateway.port) for _ in range(10)]
        for wire in readers:
            await wire.send(request(mine, path=b"/api/events/1"))
            await wire.reader.readuntil(b": here\n\n\r\n")
        ending = asyncio.create_task(gateway.end())
        assert [await wire.rest() for wire in readers] == [b"0\r\n\r\n"] * 10
        code, lines, _ = await ending
    assert code in (0, -15)
    assert [line["reason"] for line in lines if line["route"] == "/api/events"] == ["ok"] * 10


async def test_last_lines_are_written_before_the_process_ends(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(decisions, "FLUSH_SECONDS", 3600)
    gateway = rig.again()
    answer, _ = await ask(gateway.port, request(path=b"/last/words"))
    assert answer.status == 404
    assert b"/last/words" not in capfdbinary.readouterr().out
    await asyncio.to_thread(gateway.stop)
    assert b"/last/words" in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    ("setting", "value"),
    [("claims_key", "{}"), ("trusted_proxies", "everybody"), ("requests_per_minute", "many"), ("upstream_portal", "")],
)
def test_wrong_setting_is_named(rig: Rig, setting: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"PORTAL_{setting.upper()}"):
        application("gateway", told(rig, **{setting: value}))


async def test_process_with_a_wrong_setting_says_so_and_ends(rig: Rig) -> None:
    async with running(rig, claims_key="{}") as gateway:
        written, _ = await gateway.process.communicate()
    assert gateway.process.returncode == 1
    assert b"PORTAL_CLAIMS_KEY" in written
    assert b"Traceback" not in written


async def test_span_is_recorded_where_a_collector_is_named(rig: Rig) -> None:
    collector = Echo()
    trace = b"0af7651916cd43dd8448eb211c80319c"
    cookie, *_ = rig.identity.sign_in()
    lines = [b"Cookie: portal_session=" + cookie.encode(), b"traceparent: 00-" + trace + b"-b7ad6b7169203331-01"]
    async with running(rig, otlp_endpoint=collector.server.url) as gateway:
        assert (await ask(gateway.port, request(*lines, path=PROJECTS + b"?token=s3cret")))[0].status == 200
        while not collector.seen:
            await asyncio.sleep(0.05)
    [sent] = rig.service.seen[-1].all("traceparent")
    _, inside, span, _ = sent.split("-")
    exported = collector.seen[0].body
    assert inside == trace.decode()
    assert bytes.fromhex(inside) in exported
    assert bytes.fromhex(span) in exported
    assert b"s3cret" not in exported
    collector.server.end()
