"""The embedded stack as a whole. One stack for the module: the tests go through its life in order."""

import asyncio
import json
import os
import re
import signal
import socket
from pathlib import Path

import asyncpg
import httpx2
import msgspec
from redis.asyncio import Redis

from ops import serve
from ops.stack.backing import backing
from shared import dead_letters
from shared.broker import connect
from shared.clock import now, uuid7
from shared.events import Event
from tests.ops.embedded import Stack, eventually

SERVICES = set(serve.SERVICES)
SERVERS = {"postgres", "nats", "redis", "s3", "mail"}


def answers(url: str) -> bool:
    return httpx2.get(f"{url}/readyz", timeout=30).status_code == 200


def all_answer(stack: Stack) -> bool:
    return all(answers(url) for url in stack.run.services.values())


def alive(pid: int) -> bool:
    """Does this process run? One that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ready_stack_says_where_everything_is(stack: Stack) -> None:
    run = stack.run
    assert set(run.services) == SERVICES
    assert set(run.processes) == SERVICES | SERVERS
    assert all(alive(pid) for pid in run.processes.values())
    assert all_answer(stack)
    assert "portal_" in httpx2.get(f"{run.private['projects']}/metrics", timeout=30).text
    assert httpx2.get(f"{run.gateway}/readyz", timeout=30).status_code == 200


def test_secrets_are_their_owners_only(stack: Stack) -> None:
    files = [*list((stack.state.folder / "secrets").iterdir()), stack.state.folder / "run.json"]
    assert {path.name for path in files} >= {"passwords.json", "claims-key.json", "run.json"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_second_start_in_a_checkout_says_that_it_runs(stack: Stack) -> None:
    second = stack.command("up")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert stack.run.gateway in second.stderr
    assert "Traceback" not in second.stderr


async def test_operators_commands_find_the_stack_that_runs(stack: Stack) -> None:
    for words in (("migrate",), ("audit", "verify")):
        done = await asyncio.to_thread(stack.portal, *words)
        assert done.returncode == 0, done.stderr


async def test_an_emptied_audit_log_is_found_by_the_command_as_documented(stack: Stack) -> None:
    """The log that the second run meets is sound in itself: it has no records at all."""
    database = await asyncpg.connect(stack.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    body = msgspec.json.decode(thing()) | {"source": "/services/projects"}
    await database.execute(
        "insert into projects.outbox (id, subject, event) values ($1, 'portal.projects.thing.made.v1', $2)",
        body["id"],
        json.dumps(body),
    )
    async with asyncio.timeout(60):
        while not await database.fetchval("select count(*) from activity.audit"):
            await asyncio.sleep(0.1)
    first = await asyncio.to_thread(stack.portal, "audit", "verify")
    assert (first.returncode, first.stdout.splitlines()[0]) == (0, "The audit log is as it was written."), first.stdout
    async with database.transaction():
        await database.execute("create table taken as select * from activity.audit; delete from activity.audit")
    second = await asyncio.to_thread(stack.portal, "audit", "verify")
    await database.execute("insert into activity.audit select * from taken; drop table taken")
    await database.close()
    assert second.returncode == 1
    assert "company: record 1 cut off: there were" in second.stdout
    assert (await asyncio.to_thread(stack.portal, "audit", "verify")).returncode == 0


def thing() -> bytes:
    """An event that nothing is known of."""
    return msgspec.json.encode(
        Event[dict[str, str]](id=uuid7(), source="/services/test", type="thing", subject=uuid7(), time=now(), data={})
    )


async def test_dead_letters_are_listed_and_replayed_one_or_all(stack: Stack) -> None:
    """Also those that an earlier version kept in a stream, which is gone afterwards."""
    client = await connect(stack.run.addresses["PORTAL_NATS_URL"], "test")
    jetstream = client.jetstream()
    await jetstream.add_stream(name="PORTAL_DEAD", subjects=["portal_dead.>"])
    headers = {"Portal-Reason": "it was the wrong day", "Portal-Subject": "portal.test.thing.made.v1"}
    await jetstream.publish("portal_dead.activity", kept := thing(), headers=headers)
    database = await asyncpg.connect(stack.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    await database.execute("set search_path = projects")
    await dead_letters.set_aside(database, "relay", "portal.test.thing.left.v1", refused := thing(), "it was too early")
    listed = (await asyncio.to_thread(stack.portal, "events", "dead-letters")).stdout
    assert re.search(
        r"^activity-1  .*  activity  portal.test.thing.made.v1  it was the wrong day$", listed, re.MULTILINE
    )
    assert re.search(r"^projects-1  .*  relay  portal.test.thing.left.v1  it was too early$", listed, re.MULTILINE)
    assert "PORTAL_DEAD" not in [each.config.name for each in await jetstream.streams_info()]
    assert "1 replayed" in (await asyncio.to_thread(stack.portal, "events", "replay", "activity-1")).stdout
    assert "1 replayed" in (await asyncio.to_thread(stack.portal, "events", "replay")).stdout
    assert "0 dead letters" in (await asyncio.to_thread(stack.portal, "events", "dead-letters")).stdout
    assert (await jetstream.get_last_msg("PORTAL", "portal.test.thing.made.v1")).data == kept
    assert (await jetstream.get_last_msg("PORTAL", "portal.test.thing.left.v1")).data == refused
    await database.close()
    await client.close()


def test_commands_without_a_portal_say_what_is_missing(new_stack, tmp_path: Path) -> None:
    with new_stack(tmp_path / "data") as stack:
        for words, missing in (
            (("events", "replay"), "PORTAL_NATS_URL"),
            (("migrate",), "PORTAL_DATABASE_PASSWORD_ACTIVITY"),
        ):
            done = stack.portal(*words)
            assert done.returncode == 1
            assert done.stderr.startswith(f"portal: {missing} is not set")
        assert "gateway has no schema" in stack.portal("migrate", "gateway").stderr


def test_killed_service_is_started_again_and_refuses_nobody_meanwhile(stack: Stack) -> None:
    before = stack.run.processes["projects"]
    os.kill(before, signal.SIGKILL)
    assert httpx2.get(f"{stack.run.services['projects']}/healthz", timeout=30).status_code == 200
    eventually(lambda: stack.run.processes["projects"] != before)
    eventually(lambda: all_answer(stack))


def test_killed_servers_are_started_again_and_the_services_live_on(stack: Stack) -> None:
    before = stack.run.processes
    for name in ("postgres", "nats", "redis"):
        os.kill(before[name], signal.SIGKILL)
    after = eventually(
        lambda: (
            now
            if all((now := stack.run.processes)[name] != before[name] for name in SERVERS - {"s3", "mail"})
            else None
        )
    )
    eventually(lambda: all_answer(stack))
    assert {name: after[name] for name in SERVICES} == {name: before[name] for name in SERVICES}


async def test_killed_launcher_leaves_nothing_running_and_loses_nothing(stack: Stack) -> None:
    await store(stack)
    everything = [*stack.run.processes.values(), *stack.state.holders()]
    await asyncio.to_thread(stack.end, signal.SIGKILL)
    await asyncio.to_thread(eventually, lambda: not any(alive(pid) for pid in everything))
    assert (stack.state.folder / "run.json").exists(), "a crash tidies nothing up"
    assert stack.state.read_run() is None, "and its word is not believed"

    # The lock file of the dead server now names a process that is somebody else's.
    lock = stack.state.folder / "postgres" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n")
    await asyncio.to_thread(stack.up)
    assert await stored(stack) == ("row", "value", b"message")


def test_down_ends_everything(stack: Stack) -> None:
    everything = list(stack.run.processes.values())
    down = stack.command("down")
    assert down.returncode == 0, down.stderr
    assert not any(alive(pid) for pid in everything)
    assert stack.state.holders() == []
    assert not (stack.state.folder / "run.json").exists()
    assert stack.command("status").returncode == 3
    assert "not running" in stack.command("down").stdout


async def test_detached_start_returns_when_ready_and_begins_half_a_demo_again(stack: Stack) -> None:
    """The mark of a seed that was cut short: what it left is deleted before the servers start."""
    (stack.state.folder / "seeding").touch()
    up = await asyncio.to_thread(stack.command, "up", "--detach")
    assert up.returncode == 0, up.stderr
    assert stack.run.gateway in up.stdout
    assert all_answer(stack)
    assert stack.run.gateway in stack.command("status").stdout
    database = await asyncpg.connect(stack.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    assert await database.fetchval("select to_regclass('public.keepsake')") is None
    await database.close()


def test_two_checkouts_run_side_by_side_one_on_servers_of_others(stack: Stack, new_stack, tmp_path: Path) -> None:
    """The first in a folder that other accounts cannot enter, the second on external servers."""
    closed = stack.state.folder.parent
    assert closed.stat().st_mode & 0o777 == 0o700
    with (
        backing(tmp_path / "elsewhere") as servers,
        new_stack(tmp_path / "data", PORTAL_STACK="external", **servers.addresses.environment()) as second,
    ):
        second.up()
        assert all_answer(second)
        assert all_answer(stack)
        assert set(second.run.processes) == SERVICES
        told = msgspec.structs.replace(servers.addresses, mailbox_dir="")  # mails of servers of others really leave
        assert second.run.addresses == told.environment()
        assert (bool(stack.run.mailbox), bool(second.run.mailbox)) == (True, False)
        assert stack.run.gateway != second.run.gateway
    assert closed.stat().st_mode & 0o777 == 0o700
    assert all_answer(stack)


def test_interrupted_launcher_stops_cleanly(stack: Stack) -> None:
    everything = list(stack.run.processes.values())
    launcher = stack.run.launcher
    os.kill(launcher, signal.SIGINT)
    eventually(lambda: not alive(launcher))
    assert not any(alive(pid) for pid in everything)
    assert not (stack.state.folder / "run.json").exists()


def test_reset_deletes_what_is_ours_and_nothing_else(stack: Stack) -> None:
    keepsake = stack.state.folder / "holiday.jpg"
    keepsake.write_text("not ours")
    assert stack.command("reset").returncode == 0
    assert list(stack.state.folder.iterdir()) == [keepsake]


def test_taken_port_is_said_in_one_sentence(new_stack, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with new_stack(tmp_path / "data", PORTAL_PORT=port) as stack:
            up, detached = stack.command("up"), stack.command("up", "--detach")
    for tried in (up, detached):
        assert tried.returncode == 1
        assert tried.stderr.startswith(f"portal: Port {port} is in use")
        assert "PORTAL_PORT=" in tried.stderr
        assert tried.stderr.count("\n") == 1


def test_port_and_stack_kind_are_checked(new_stack, tmp_path: Path) -> None:
    with new_stack(tmp_path / "data") as stack:
        assert "PORTAL_PORT is 'http'" in stack.command("up", PORTAL_PORT="http").stderr
        assert "PORTAL_STACK is 'docker'" in stack.command("up", PORTAL_STACK="docker").stderr
        missing = stack.command("up", PORTAL_STACK="external", PORTAL_NATS_URL="nats://127.0.0.1:4222").stderr
    assert "PORTAL_DATABASE_ADMIN_URL, PORTAL_REDIS_URL, PORTAL_SMTP_URL" in missing


async def store(stack: Stack) -> None:
    """Leave something in every server that keeps data."""
    database = await asyncpg.connect(stack.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    await database.execute("create table keepsake (what text); insert into keepsake values ('row')")
    await database.close()
    redis = Redis.from_url(stack.run.addresses["PORTAL_REDIS_URL"])
    await redis.set("keepsake", "value")
    await redis.aclose()
    client = await connect(stack.run.addresses["PORTAL_NATS_URL"], "test")
    await client.jetstream().publish("portal.keepsake", b"message")
    await client.close()


async def stored(stack: Stack) -> tuple[str, str, bytes]:
    """What `store` left."""
    database = await asyncpg.connect(stack.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    row = await database.fetchval("select what from keepsake")
    await database.close()
    redis = Redis.from_url(stack.run.addresses["PORTAL_REDIS_URL"], decode_responses=True)
    value = await redis.get("keepsake")
    await redis.aclose()
    client = await connect(stack.run.addresses["PORTAL_NATS_URL"], "test")
    message = await client.jetstream().get_last_msg("PORTAL", "portal.keepsake")
    await client.close()
    return row, value, message.data
