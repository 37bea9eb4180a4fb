"""Revocations and changed rights reach the gateways, also when Redis was away at the time."""

import asyncio

import pytest

from services.identity.sessions.cache import REVOKED_CHANNEL
from tests.identity.rig import ADMIN, Identity


async def test_every_gateway_is_told_at_once(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    async with identity.redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(REVOKED_CHANNEL)
        await here("DELETE", f"sessions/{there.actor.session_id}")
        await here("PATCH", "people/me", json={"first_name": "Anne"})
        told: set[str] = set()
        async with asyncio.timeout(60):
            while not told >= {there.session_hash, here.session_hash}:
                message = await channel.get_message(timeout=1)
                told |= {message["data"].decode()} if message else set()


async def until_it_is(identity: Identity, session_hash: str, value: bytes) -> None:
    async with asyncio.timeout(60):
        while await identity.redis.get(f"session:{session_hash}") != value:
            await asyncio.sleep(0.05)


async def test_a_revocation_while_redis_is_away_is_said_when_it_is_back(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    async with identity.without("redis"):
        assert (await here("DELETE", f"sessions/{there.actor.session_id}")).status_code == 204
        assert await there.record() is None
    await until_it_is(identity, there.session_hash, b"revoked")


async def test_every_gateway_is_told_although_redis_refuses_writes(identity: Identity) -> None:
    """The record of before cannot be overwritten; who hears the broadcast does not believe it."""
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    async with identity.redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(REVOKED_CHANNEL)
        await identity.redis.set(f"session:{there.session_hash}", b"a record", ex=300)
        await identity.redis.config_set("maxmemory", 1)
        try:
            assert (await here("DELETE", f"sessions/{there.actor.session_id}")).status_code == 204
            told = None
            async with asyncio.timeout(30):
                while told != there.session_hash:
                    message = await channel.get_message(timeout=1)
                    told = message["data"].decode() if message else told
            assert await identity.redis.get(f"session:{there.session_hash}") is None, (
                "one that was not there believes it"
            )
        finally:
            await identity.redis.config_set("maxmemory", 0)
    await until_it_is(identity, there.session_hash, b"revoked")


async def test_changed_rights_while_redis_is_away_are_said_when_it_is_back(identity: Identity) -> None:
    client_id = await identity.client()
    project, person = await identity.project(client_id), await identity.person(client_id)
    browser = await identity.browser(person)
    async with identity.without("redis"):
        path = f"people/{person['id']}/project-roles"
        answer = await identity.api(ADMIN, "PUT", path, json={"roles": {project: "viewer"}})
        assert answer.status_code == 200
    await until_it_is(identity, browser.session_hash, b"old")


async def test_modules_closed_while_redis_is_away_are_said_when_it_is_back(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    async with identity.without("redis"):
        closed = {"closed_modules": ["activity"]}
        assert (await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=closed)).status_code == 200
    await until_it_is(identity, browser.session_hash, b"old")


async def test_nothing_is_set_aside_because_redis_was_away(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is away: what would not be said afterwards is a session that lives on, or keeps its rights."""
    monkeypatch.setattr("shared.inbox.PATIENCE_SECONDS", 0.5)
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    before = await identity.execute("select * from identity.dead_letters")
    async with identity.without("redis"):
        await here("DELETE", f"sessions/{there.actor.session_id}")
        await asyncio.sleep(2.5)
    await until_it_is(identity, there.session_hash, b"revoked")
    assert await identity.execute("select * from identity.dead_letters") == before
