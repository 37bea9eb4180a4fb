"""Any process may be killed at any time: what was answered is there, once, everywhere.

Bounded: each process of the stack is killed with SIGKILL while people write; the counts of the full programme belong to
`make bench`-like runs, not to a suite that must end in minutes.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from tests.faults.crowd import Writer, feed_is_complete
from tests.portal_stack import API, PASSWORD, Portal

VICTIMS = ["projects", "nats", "activity", "postgres", "identity", "redis", "gateway", "portal"]
OUTSIDE = {502, 503, 504}
"""What people may see while a part is being killed, besides a broken connection."""


class Reader:
    """Somebody of a recorded client who looks at one thing after the other and remembers which of it was answered."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.answered: list[str] = []
        self.odd: Counter[Any] = Counter()
        self.client_id = portal.me("viewer")["client_id"]
        staff = portal.as_("admin")
        switched = staff.patch(f"{API}/clients/{self.client_id}", json={"session_recording": True})
        assert switched.status_code == 200, switched.text
        self._http = portal.sign_in("viewer@acme.example")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _read(self) -> None:
        while not self._stop.is_set():
            path = f"{API}/projects/{uuid4()}"
            try:
                answer = self._http.get(path)
                if answer.status_code == 404:  # served: the service says that there is no such project
                    self.answered.append(path)
                elif answer.status_code not in OUTSIDE:
                    self.odd[answer.status_code] += 1
            except httpx2.TransportError:
                pass
            time.sleep(0.01)

    def progresses(self, more: int = 5) -> None:
        target = len(self.answered) + more
        self.portal.until(lambda: len(self.answered) >= target)

    def recorded(self) -> list[str]:
        """Everything the recordings of this client say was opened."""
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"client_id": self.client_id, "type": "session_visited", "limit": "100", "cursor": cursor}
            page = self.portal.as_("admin").get(f"{API}/audit", params={k: v for k, v in query.items() if v}).json()
            found += [each["detail"]["path"] for each in page["items"]]
            cursor = page["next_cursor"]
        return found[::-1]


@contextmanager
def frozen(victim: Portal, name: str) -> Iterator[None]:
    """SIGSTOP: the process and its children are there, take connections, and say nothing."""
    victim.reload()
    first = victim.run.processes[name]
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    for each in [first, *map(int, children)]:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in [*map(int, children), first]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


@pytest.mark.parametrize("name", ["identity", "activity", "postgres"])
def test_what_is_frozen_keeps_nobody_waiting_and_heals_by_itself(victim: Portal, name: str) -> None:
    """Nobody waits longer than 5 s, those included who come first, all at once (docs/decisions/0080)."""
    person, stranger = victim.sign_in("approver@acme.example"), victim.client()
    sign_in = {"email": "approver@acme.example", "password": PASSWORD}
    asked = [
        lambda: stranger.post(f"{API}/auth/login", json=sign_in),
        lambda: stranger.post("/sign-in/password", data=sign_in),
        lambda: person.get(f"{API}/activity"),
        lambda: person.get("/"),
        lambda: person.get("/widgets/dashboard/activity"),
        lambda: person.get(f"{API}/projects"),
        lambda: person.get("/projects"),
        lambda: stranger.get("/sign-in"),
    ]
    with frozen(victim, name), ThreadPoolExecutor(len(asked)) as people:
        for answer in people.map(lambda each: each(), asked):
            assert answer.elapsed.total_seconds() < 5, answer.request.url
            assert answer.status_code < 500 or answer.status_code in OUTSIDE
    victim.until(lambda: victim.client().post(f"{API}/auth/login", json=sign_in).status_code == 200)
    for each in asked[2:]:
        victim.until(lambda each=each: each().status_code < 400)


def test_kill_each_process_under_load_and_nothing_is_lost(victim: Portal) -> None:
    with Writer(victim) as writer, Reader(victim) as reader:
        writer.progresses()
        for name in VICTIMS:
            victim.reload()
            os.kill(victim.run.processes[name], signal.SIGKILL)
            writer.progresses()
            reader.progresses()
    assert not reader.odd
    victim.until(lambda: set(reader.answered) <= set(reader.recorded()))  # docs/decisions/0053
    seen = set(reader.answered)
    once = list(dict.fromkeys(each for each in reader.recorded() if each in seen))
    assert once == reader.answered, "not in the order in which it was opened"
    http = victim.sign_in("approver@acme.example")
    stored = http.get(f"{API}/projects/{writer.project}").json()["milestones"]
    assert set(writer.acked) <= {each["id"] for each in stored}, "an answered write is gone"
    refused = {status for status in writer.statuses if isinstance(status, int) and status not in (201, 200)}
    assert refused <= OUTSIDE, writer.statuses
    created = victim.until(lambda: feed_is_complete(http, writer.project, {each["id"] for each in stored}))
    assert Counter(created) == Counter(each["id"] for each in stored), "lost or shown twice"


async def test_state_and_events_agree_after_it_all(victim: Portal) -> None:
    """E1: as many creations in the outbox as rows in the table, and all of them handed on."""
    connection = await asyncpg.connect(victim.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    try:
        rows = await connection.fetchval("select count(*) from projects.milestones")
        told = "select count(*) from projects.outbox where subject = 'portal.projects.milestone.created.v1'"
        assert await connection.fetchval(told) == rows
        waiting = "select count(*) from projects.outbox where published_at is null"
        assert await connection.fetchval(waiting) == 0
    finally:
        await connection.close()


def test_redis_being_empty_signs_nobody_out_and_lets_nobody_in(victim: Portal) -> None:
    """F4: sessions live in PostgreSQL; Redis only remembers them."""
    import redis

    http = victim.sign_in("viewer@acme.example")
    victim.reload()
    redis.Redis.from_url(victim.run.addresses["PORTAL_REDIS_URL"]).flushall()
    time.sleep(1.1)  # longer than the gateway believes its own memory
    assert http.get(f"{API}/auth/me").status_code == 200
    stranger = victim.client()
    stranger.cookies.set("portal_session", "A" * 43)
    assert stranger.get(f"{API}/auth/me").status_code == 401


def test_the_chain_of_the_audit_log_holds_after_it_all(victim: Portal) -> None:
    import subprocess
    import sys

    from tests.portal_stack import ROOT

    told = os.environ | {"PORTAL_DATA": str(victim.folder)} | victim.run.addresses
    done = subprocess.run(
        [sys.executable, "-m", "ops", "audit", "verify"],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
