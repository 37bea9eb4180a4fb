"""Fifty people at work while two addresses attack, with slow bodies and parallel sign-ins, as much as limits let through.

Everybody has an address of the loopback of their own, so that the limits are those of a real portal.
"""

import asyncio
import random
import statistics
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.bench.report import Row
from tests.portal_stack import API, PASSWORD, Portal, running_portal

PEOPLE = 50
QUIET_SECONDS, SIEGE_SECONDS = 20, 60
PAUSE = 2.0
"""Between two things that one person asks for, on average."""
SENDER, GUESSER = "127.0.66.6", "127.0.66.7"
"""The two attackers: one alone would use its requests up with bodies."""
SLOW_BODIES = 515
BURST, BURST_EVERY = 20, 5.0
PAGES = ("/", "/projects", "/activity", f"{API}/projects", f"{API}/activity")

Answers = list[tuple[int, float]]
"""Status (0: no answer at all) and milliseconds."""


def measure() -> list[Row]:
    """The same people without and with the attack, one after the other."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        limits = {"PORTAL_REQUESTS_PER_MINUTE": "3000", "PORTAL_SIGN_INS_PER_MINUTE": "60"}
        with running_portal(Path(folder) / "data", **limits) as portal:
            cookies = _fifty_people(portal)
            quiet, siege, refused = asyncio.run(_both(portal, cookies))
    bad = sum(status != 200 for status, _ in siege)
    p95 = _p95(siege)
    return [
        Row("50 people, p95, in quiet", _p95(quiet), "ms"),
        Row("50 people, p95, under siege", p95, "ms", None, "1,000 ms", p95 < 1000),
        Row("50 people, slowest, under siege", max(took for _, took in siege), "ms"),
        Row("50 people, answers under siege", len(siege), ""),
        Row("50 people, refused or without an answer", bad, "", None, "0", bad == 0),
        *(Row(f"the attackers were told {what}", count, "") for what, count in sorted(refused.items())),
    ]


def _p95(answers: Answers) -> float:
    return statistics.quantiles([took for _, took in answers], n=20)[-1]


def _fifty_people(portal: Portal) -> list[str]:
    """The cookies of fifty people of one client, each signed in from an address of their own."""
    staff = portal.as_("admin")
    client = staff.get(f"{API}/clients").raise_for_status().json()["items"][0]["id"]
    staff.patch(f"{API}/clients/{client}", json={"sign_in_methods": ["magic_link", "password"]}).raise_for_status()
    cookies: list[str] = []
    for number in range(PEOPLE):
        email = f"person{number}@bench.example"
        person = {"kind": "client", "client_id": client, "email": email, "first_name": "Max", "last_name": "Meier"}
        staff.post(f"{API}/people", json=person | {"password": PASSWORD}).raise_for_status()
        with httpx2.Client(
            base_url=portal.gateway, timeout=15, transport=httpx2.HTTPTransport(local_address=_address(number))
        ) as http:
            http.post(f"{API}/auth/login", json={"email": email, "password": PASSWORD}).raise_for_status()
            cookies.append("; ".join(f"{each.name}={each.value}" for each in http.cookies.jar))
    return cookies


def _address(number: int) -> str:
    return f"127.0.1.{number + 1}"


async def _both(portal: Portal, cookies: list[str]) -> tuple[Answers, Answers, Counter[str]]:
    await _work(portal, cookies, 5)  # warm
    quiet = await _work(portal, cookies, QUIET_SECONDS)
    told = Counter[str]()
    port = int(portal.gateway.rsplit(":", 1)[1])
    attack = [asyncio.create_task(_hold_bodies(port, told)) for _ in range(SLOW_BODIES)]
    attack.append(asyncio.create_task(_sign_in(portal, told)))
    try:
        return quiet, await _work(portal, cookies, SIEGE_SECONDS), told
    finally:
        for task in attack:
            task.cancel()
        await asyncio.gather(*attack, return_exceptions=True)


async def _work(portal: Portal, cookies: list[str], seconds: float) -> Answers:
    answers: Answers = []
    until = time.monotonic() + seconds
    people = (_one(portal, number, cookie, until, answers) for number, cookie in enumerate(cookies))
    await asyncio.gather(*people)
    return answers


async def _one(portal: Portal, number: int, cookie: str, until: float, answers: Answers) -> None:
    """Opens pages and asks the API, in turn; an answer that does not come within ten seconds is none."""
    transport = httpx2.AsyncHTTPTransport(local_address=_address(number))
    async with httpx2.AsyncClient(base_url=portal.gateway, timeout=10, transport=transport) as http:
        turn = number
        while True:
            await asyncio.sleep(random.uniform(0, 2 * PAUSE))
            if time.monotonic() > until:
                return
            began = time.perf_counter()
            try:
                answer = await http.get(PAGES[turn % len(PAGES)], headers={"Cookie": cookie})
                status = answer.status_code
            except httpx2.HTTPError:
                status = 0
            answers.append((status, (time.perf_counter() - began) * 1000))
            turn += 1


async def _hold_bodies(port: int, told: Counter[str]) -> None:
    """Announce a body that never comes, for as long as the gateway waits for it; then again."""
    head = b"POST /projects HTTP/1.1\r\nHost: portal\r\nContent-Length: 9\r\n\r\n"
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(SENDER, 0))
            writer.write(head)
            line = await reader.readline()
            told[f"{line[9:12].decode() or 'nothing, and closed,'} for a body"] += 1
            writer.transport.abort()
        except OSError as error:
            told[f"{type(error).__name__} for a body"] += 1
        await asyncio.sleep(0.2)


async def _sign_in(portal: Portal, told: Counter[str]) -> None:
    """Bursts of simultaneous sign-ins with a wrong password."""

    async def wrong(http: httpx2.AsyncClient) -> None:
        try:
            answer = await http.post(
                f"{API}/auth/login", json={"email": "admin@northwind.example", "password": "wrong"}
            )
            told[f"{answer.status_code} for a sign-in"] += 1
        except httpx2.HTTPError as error:
            told[f"{type(error).__name__} for a sign-in"] += 1

    transport: Any = httpx2.AsyncHTTPTransport(local_address=GUESSER)
    async with httpx2.AsyncClient(base_url=portal.gateway, timeout=10, transport=transport) as http:
        while True:
            await asyncio.gather(*(wrong(http) for _ in range(BURST)))
            await asyncio.sleep(BURST_EVERY)
