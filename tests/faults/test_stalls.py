"""Servers come back, with less than they had: everything is told all the same, and nobody lends a hand."""

import os
import shutil
import signal
import time
from collections import Counter

import asyncpg
import httpx2

from tests.faults.crowd import Writer, feed_is_complete
from tests.portal_stack import API, Portal

ROUNDS = 10
HEALED_SECONDS = 30


def serves(victim: Portal) -> bool:
    """Whether every part says that its work is being done."""
    addresses = [*victim.run.services.values()]
    try:
        return all(httpx2.get(f"{each}/readyz", timeout=3).status_code == 200 for each in addresses)
    except httpx2.TransportError:
        return False


def told(http: httpx2.Client, writer: Writer) -> bool:
    """Whether the feed has the newest milestone that was answered with yes."""
    newest = writer.acked[-1]
    answer = http.get(f"{API}/activity", params={"project_id": writer.project, "limit": "100"})
    return answer.status_code == 200 and newest in {each["target"]["id"] for each in answer.json()["items"]}


def heals(victim: Portal, http: httpx2.Client, writer: Writer) -> None:
    end = time.monotonic() + HEALED_SECONDS
    writer.progresses(5)
    victim.until(lambda: told(http, writer), end - time.monotonic())
    victim.until(lambda: serves(victim), end - time.monotonic())


def check_all_told(victim: Portal, http: httpx2.Client, writer: Writer) -> None:
    """Each write that was answered with yes is in the feed, once, in the order of the answers."""
    stored = {each["id"] for each in http.get(f"{API}/projects/{writer.project}").json()["milestones"]}
    assert set(writer.acked) <= stored, "an answered write is gone"
    newest_first = victim.until(lambda: feed_is_complete(http, writer.project, stored), HEALED_SECONDS)
    assert Counter(newest_first) == Counter(stored), "lost or shown twice"
    answered = set(writer.acked)
    assert [each for each in reversed(newest_first) if each in answered] == writer.acked, "in another order"


async def cut_every_connection(victim: Portal) -> None:
    connection = await asyncpg.connect(victim.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    try:
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
    finally:
        await connection.close()


async def test_postgresql_is_killed_and_cut_off_ten_times_under_load(victim: Portal) -> None:
    http = victim.sign_in("approver@acme.example")
    with Writer(victim) as writer:
        writer.progresses()
        for number in range(ROUNDS):
            if number % 2:
                await cut_every_connection(victim)
            else:
                victim.reload()
                os.kill(victim.run.processes["postgres"], signal.SIGKILL)
            heals(victim, http, writer)
    check_all_told(victim, http, writer)


def test_the_brokers_store_is_emptied_under_load(victim: Portal) -> None:
    """While nobody folds, so that the stream holds what was told to nobody yet."""
    http = victim.sign_in("approver@acme.example")
    with Writer(victim) as writer:
        writer.progresses()
        victim.reload()
        broker, folding = victim.run.processes["nats"], victim.run.processes["activity"]
        os.kill(folding, signal.SIGSTOP)
        writer.progresses()
        os.kill(broker, signal.SIGSTOP)
        shutil.rmtree(victim.folder / "nats" / "jetstream")
        os.kill(broker, signal.SIGKILL)
        writer.progresses()
        os.kill(folding, signal.SIGCONT)
        heals(victim, http, writer)
    check_all_told(victim, http, writer)
