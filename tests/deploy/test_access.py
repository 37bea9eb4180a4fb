"""What each process can do with everything it was told, and what it cannot: tried with its own credentials."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio as aioredis
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.api import ConsumerConfig
from nats.js.errors import NoStreamResponseError
from redis.exceptions import NoPermissionError

from ops.serve import SERVICES
from ops.stack import access
from ops.stack.backing import Backing, backing
from shared.broker import JETSTREAM, STREAM, connect, ensure_stream
from tests.deploy.nats_users import KEEPER, needs, users

KEYS = {"gateway": ["session:x", "limits:x"], "identity": ["session:x", "attempts:x"], "activity": ["kpis:x"]}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    with backing(tmp_path_factory.mktemp("access"), servers=("nats", "redis")) as running:
        yield running


@pytest.fixture
async def operator(servers: Backing) -> AsyncIterator[Client]:
    client = await connect(servers.addresses.nats_url, "operator")
    await ensure_stream(client.jetstream(), 1)
    yield client
    await client.close()


def test_the_file_grants_what_the_services_need() -> None:
    assert access.NATS.read_text() == users(), "python -m tests.deploy.nats_users writes it"


def test_the_file_grants_no_more_than_is_said_here() -> None:
    """What `nats_users` reads off the services is not believed: a service's own subject, its own durables, and of the
    stream what one has to know of it. Who keeps the stream may do what keeping takes.
    """
    text = access.NATS.read_text()
    exported = dict(re.findall(r'{ service: "(\S+)", accounts: \[([a-z, ]+)\]', text))
    assert text.count('{ service: "') == len(exported), "each export names the accounts that may import it"
    accounts: dict[str, set[str]] = {}
    for account, body in re.findall(r"^  ([a-z]+): {$(.+?)^  }$", text, re.MULTILINE | re.DOTALL):
        accounts[account] = set(re.findall(r'account: portal, subject: "(\S+)"', body))
    assert accounts.pop("portal") == set()
    assert sorted(accounts) == sorted(access.nats_users())
    for account, granted in accounts.items():
        own = rf"{account}(-[a-z]+)?(-2)?"
        said = [
            rf"portal\.{account}\.>",
            r"\$JS\.API\.STREAM\.INFO\.PORTAL",
            rf"\$JS\.API\.DIRECT\.GET\.PORTAL\.portal\.{account}\.>",
            rf"\$JS\.API\.CONSUMER\.CREATE\.PORTAL\.{own}\.portal\.([a-z]+\.)*(>|v\d+)",
            rf"\$JS\.API\.CONSUMER\.(DELETE|INFO|MSG\.NEXT)\.PORTAL\.{own}",
            rf"\$JS\.ACK\.PORTAL\.{own}\.>",
        ]
        if account == KEEPER:
            said += [r"\$JS\.API\.(STREAM\.(CREATE|UPDATE|PURGE)|CONSUMER\.LIST)\.PORTAL"]
        assert [each for each in granted if not re.fullmatch("|".join(said), each)] == []
        assert granted == {subject for subject, names in exported.items() if account in names.split(", ")}


def test_who_is_told_of_a_server_has_a_user_of_its_own_there(servers: Backing) -> None:
    assert sorted(KEYS) == sorted(access.redis_users()) == sorted(servers.addresses.redis_users)
    assert sorted(access.nats_users()) == sorted(servers.addresses.nats_users)
    urls = [*servers.addresses.nats_users.values(), *servers.addresses.redis_users.values()]
    assert len(set(urls)) == len(urls)


@asynccontextmanager
async def connected(servers: Backing, service: str) -> AsyncGenerator[Client]:
    client = await connect(servers.addresses.nats_users[service], service)
    yield client
    await client.close()


@pytest.fixture
async def heard(operator: Client) -> list[str]:
    """The subjects of everything that arrives in the operator's account."""
    subjects: list[str] = []

    async def hear(message: Msg) -> None:
        subjects.append(message.subject)

    await operator.subscribe(">", cb=hear)
    await operator.flush()
    return subjects


def foreign_subjects(service: str) -> set[str]:
    """What other services may publish, and what nobody but the operator may."""
    everything = {subject for other in access.nats_users() for subject in needs(other)}
    everything |= {f"portal.{other}.thing.made.v1" for other in (*SERVICES, "nobody", f"{service}x")}
    on_a_stream = ("STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE", "STREAM.MSG.GET", "STREAM.MSG.DELETE",
                   "STREAM.SNAPSHOT", "DIRECT.GET", "CONSUMER.CREATE", "CONSUMER.LIST", "CONSUMER.NAMES")  # fmt: skip
    everything |= {f"{JETSTREAM}.{verb}.{stream}" for stream in (STREAM, "OTHER") for verb in on_a_stream}
    everything |= {f"{JETSTREAM}.{rest}" for rest in ("INFO", "STREAM.CREATE.MINE", "STREAM.LIST")}
    everything |= {f"{JETSTREAM}.CONSUMER.CREATE.{STREAM}.{name}.portal.>" for name in ("mine", "projects-identity")}
    everything |= {subject.replace(JETSTREAM, "$JS.API") for subject in everything} | {"$SYS.REQ.SERVER.PING", "else"}
    mine = needs(service)
    return {subject.replace(">", "x") for subject in everything if not any(_covers(each, subject) for each in mine)}


def _covers(granted: str, subject: str) -> bool:
    return subject == granted or (granted.endswith(">") and subject.startswith(granted[:-1]))


@pytest.mark.parametrize("service", access.nats_users())
async def test_a_service_publishes_nothing_that_is_not_its_own(
    servers: Backing, operator: Client, heard: list[str], service: str
) -> None:
    foreign = foreign_subjects(service)
    async with connected(servers, service) as client:
        for subject in foreign:
            await client.publish(subject, b"{}", reply=client.new_inbox())
        await client.publish(f"portal.{service}.thing.made.v1", b"{}")
        await client.flush()
        while f"portal.{service}.thing.made.v1" not in heard:
            await asyncio.sleep(0.01)
    own = ("_INBOX.", "$JS.EVENT.")
    assert [subject for subject in heard if not subject.startswith(own)] == [f"portal.{service}.thing.made.v1"]
    assert {each.config.name for each in await operator.jetstream().streams_info()} == {STREAM}


@pytest.mark.parametrize("service", access.nats_users())
async def test_a_service_hears_what_its_durables_bring_and_no_more(
    servers: Backing, operator: Client, service: str
) -> None:
    subjects: list[str] = []

    async def hear(message: Msg) -> None:
        subjects.append(message.subject)

    async with connected(servers, service) as client:
        await client.subscribe(">", cb=hear)
        await client.flush()
        for name in SERVICES:
            await operator.jetstream().publish(f"portal.{name}.thing.made.v1", b"{}")
        await operator.request(f"{JETSTREAM}.STREAM.INFO.{STREAM}", b"")
        await client.publish("mine")
        await client.flush()
        while "mine" not in subjects:
            await asyncio.sleep(0.01)
    assert subjects == ["mine"]


@pytest.mark.parametrize("service", access.nats_users())
async def test_a_service_finds_the_last_event_of_its_own_and_of_nobody_else(
    servers: Backing, operator: Client, service: str
) -> None:
    async with connected(servers, service) as client:
        for name in SERVICES:
            subject = f"portal.{name}.thing.found.v1"
            told = await operator.jetstream().publish(subject, b"{}")
            patience = 30 if name == service else 0.5
            asked = client.jetstream(timeout=patience).get_last_msg(STREAM, subject, direct=True)
            if name == service:
                assert (await asked).seq == told.seq
            else:
                with pytest.raises((NoRespondersError, NoStreamResponseError, TimeoutError)):
                    await asked


async def test_an_answer_sent_elsewhere_is_neither_an_event_nor_a_request(
    servers: Backing, operator: Client, heard: list[str]
) -> None:
    """NATS lets everybody name where an answer goes, also where they may not publish: an empty one, sent to the subject
    that deletes a stream, would delete it. Answers do not leave the account of who asked.
    """
    durable = f"{STREAM}.projects-identity"
    forged = "portal.activity.forged"
    async with connected(servers, "projects") as client:
        await client.jetstream().add_consumer(
            STREAM, ConsumerConfig(name="projects-identity", filter_subject="portal.identity.client.>")
        )
        for prefix in (JETSTREAM, "$JS.API"):
            for target in (forged, f"{prefix}.STREAM.PURGE.{STREAM}", f"{prefix}.STREAM.DELETE.{STREAM}"):
                await client.publish("portal.projects.x", b"{}", reply=target)
                await client.publish(f"{JETSTREAM}.CONSUMER.MSG.NEXT.{durable}", b'{"no_wait":true}', reply=target)
                await client.publish(f"{JETSTREAM}.STREAM.INFO.{STREAM}", b"", reply=target)
        await client.jetstream().publish("portal.projects.last", b"{}")
    while "portal.projects.last" not in heard:
        await asyncio.sleep(0.01)
    state = (await operator.jetstream().stream_info(STREAM)).state
    assert state.first_seq <= 1
    assert forged not in heard


@pytest.mark.parametrize("user", access.redis_users())
async def test_a_process_reaches_no_key_that_is_not_its_own(servers: Backing, user: str) -> None:
    mine = KEYS[user]
    foreign = {key for keys in KEYS.values() for key in keys} | {"anything", ""}
    async with aioredis.Redis.from_url(servers.addresses.redis_users[user]) as client:
        for key in mine:
            await client.set(key, "1", ex=60)
            assert await client.get(key) == b"1"
        await client.set(mine[0], "1", ex=60)
        if user == "identity":  # where Redis takes no more, a record that is over is deleted (0040)
            await client.delete(mine[1])
        # Its own, and more than it does with them.
        for command in ("UNLINK", "GETDEL", "DUMP", "PERSIST", "TTL", *(["DEL"] if user != "identity" else [])):
            with pytest.raises(NoPermissionError):
                await client.execute_command(command, mine[0])
        for key in foreign - set(mine):
            for command in (("GET", key), ("SET", key, "1"), ("DEL", key), ("RENAME", mine[0], key)):
                with pytest.raises(NoPermissionError):
                    await client.execute_command(*command)
            if user != "activity":
                with pytest.raises(NoPermissionError):
                    await client.evalsha(await client.script_load("return redis.call('get', KEYS[1])"), 1, key)
        for command in ("FLUSHALL", "KEYS *", "SCAN 0", "CONFIG GET requirepass", "ACL LIST", "MONITOR", "CLIENT LIST",
                        "RANDOMKEY", "SAVE", "DEBUG JMAP", "REPLICAOF NO ONE", "SHUTDOWN"):  # fmt: skip
            with pytest.raises(NoPermissionError):
                await client.execute_command(*command.split())


async def test_only_identity_says_that_a_session_ended(servers: Backing) -> None:
    for user in access.redis_users():
        async with aioredis.Redis.from_url(servers.addresses.redis_users[user]) as client:
            allowed = {"sessions:revoked"} if user == "identity" else set[str]()
            for channel in allowed:
                await client.publish(channel, "x")
            for channel in {"sessions:revoked", "another"} - allowed:
                with pytest.raises(NoPermissionError):
                    await client.publish(channel, "x")
            with pytest.raises(NoPermissionError):
                await client.execute_command("SUBSCRIBE", "another")


def test_who_keeps_the_stream_is_one() -> None:
    keepers = [name for name in access.nats_users() if any("STREAM.UPDATE" in each for each in needs(name))]
    assert keepers == [KEEPER]
