"""Guessing is bounded, and nobody else's guessing locks one out for long."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx2
import pytest

from ops.stack.backing import Backing
from services.identity.app import create_app
from services.identity.people.passwords import WAITING, CallerGone, TooBusy, TooManyWrong
from services.identity.sessions.limits import (
    CODE,
    FACTOR,
    LINK,
    PASSWORD,
    RECOVERY,
    TOKEN,
    AttemptLimits,
    Limit,
    TooManyAttempts,
    network_of,
)
from services.identity.settings import IdentitySettings
from services.identity.single_sign_on.models import ProviderAway
from shared.actor import Actor
from shared.cache import Cache
from tests.conftest import Cluster, ServiceFactory
from tests.identity.rig import PASSWORD as RIGHT
from tests.identity.rig import PUBLIC_URL, Browser, Identity, full_window, hashes_done, somewhere


async def guess(identity: Identity, email: str, place: Actor, password: str = "a wrong guess") -> httpx2.Response:
    return await Browser(identity, place)("POST", "auth/login", json={"email": email, "password": password})


async def statuses(identity: Identity, email: str, places: list[Actor], password: str = "a wrong guess") -> list[int]:
    answers = await asyncio.gather(*(guess(identity, email, place, password) for place in places))
    return sorted(answer.status_code for answer in answers)


async def test_of_fifty_guesses_at_once_five_are_looked_at(identity: Identity) -> None:
    person, place = await identity.person(await identity.client()), somewhere()
    before = hashes_done()
    assert await statuses(identity, person["email"], [place] * 50) == [401] * 5 + [429] * 45
    assert hashes_done() - before == 5
    assert len(await identity.events("failed_login", person["id"])) == 5
    answer = await guess(identity, person["email"], place, RIGHT)
    assert (answer.status_code, answer.json()["code"]) == (429, "auth.too_many_attempts")
    assert 1 <= int(answer.headers["retry-after"]) <= 300


async def test_an_unknown_address_runs_out_of_guesses_just_so(identity: Identity) -> None:
    assert await statuses(identity, "nobody@nowhere.example", [somewhere()] * 8) == [401] * 5 + [429] * 3


async def test_no_header_makes_a_new_caller(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    for number in range(7):
        answer = await browser(
            "POST",
            "auth/login",
            json={"email": person["email"], "password": "a wrong guess"},
            headers={
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
                "X-Portal-Ip": f"203.0.113.{number}",
            },
        )
        assert answer.status_code == (401 if number < 5 else 429)


async def test_other_spellings_of_an_address_are_the_same_account(identity: Identity) -> None:
    person, place = await identity.person(await identity.client()), somewhere()
    spellings = [person["email"], person["email"].upper(), person["email"].title()]
    answers = [await guess(identity, spellings[number % 3], place) for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_many_callers_together_run_out_too(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    assert await statuses(identity, person["email"], [somewhere() for _ in range(25)]) == [401] * 20 + [429] * 5


async def test_one_caller_cannot_lock_somebody_else_out(identity: Identity) -> None:
    person, attacker = await identity.person(await identity.client()), somewhere()
    await statuses(identity, person["email"], [attacker] * 50)
    assert (await guess(identity, person["email"], attacker, RIGHT)).status_code == 429
    assert (await guess(identity, person["email"], somewhere(), RIGHT)).status_code == 200


async def test_one_caller_tries_many_accounts_only_so_often(identity: Identity) -> None:
    place = somewhere()
    answers = await asyncio.gather(*(guess(identity, f"user{number}@nowhere.example", place) for number in range(40)))
    assert sorted(answer.status_code for answer in answers) == [401] * 30 + [429] * 10


async def test_success_costs_nothing_and_excuses_no_failure(identity: Identity) -> None:
    person, place = await identity.person(await identity.client()), somewhere()
    for _ in range(4):
        assert (await guess(identity, person["email"], place)).status_code == 401
    for _ in range(31):
        assert (await guess(identity, person["email"], place, RIGHT)).status_code == 200
    assert (await guess(identity, person["email"], place)).status_code == 401
    assert (await guess(identity, person["email"], place, RIGHT)).status_code == 429


async def test_who_goes_away_before_the_answer_has_still_tried(identity: Identity) -> None:
    """A try that is not paid for by its answer would be free."""
    person, place = await identity.person(await identity.client()), somewhere()
    for _ in range(5):
        trying = asyncio.create_task(guess(identity, person["email"], place))
        while not WAITING.collect()[0].samples[0].value:
            await asyncio.sleep(0)
        trying.cancel()
        with suppress(asyncio.CancelledError):
            await trying
    assert (await guess(identity, person["email"], place)).status_code == 429


async def test_without_redis_half_as_many_are_looked_at(identity: Identity) -> None:
    person, place = await identity.person(await identity.client()), somewhere()
    await full_window()
    async with identity.without("redis"):
        assert await statuses(identity, person["email"], [place] * 10) == [401] * 2 + [429] * 8
        answer = await guess(identity, person["email"], place)
        assert (answer.status_code, answer.headers["retry-after"].isdecimal()) == (429, True)
        crowd = [somewhere() for _ in range(15)]
        assert await statuses(identity, person["email"], crowd) == [401] * 8 + [429] * 7
        other = await identity.person(await identity.client())
        assert await statuses(identity, other["email"], [somewhere()], RIGHT) == [200]
    assert await statuses(identity, person["email"], [somewhere()], RIGHT) == [200]


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_a_caller_is_what_cannot_be_changed_easily(ip: str, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize("limits", [PASSWORD, LINK, CODE, FACTOR, RECOVERY, TOKEN])
def test_one_address_alone_cannot_use_up_an_account(limits: tuple[Limit, ...]) -> None:
    *_, pair, account = limits
    assert pair.amount * (account.minutes / pair.minutes) < account.amount


class Away(Exception):
    """PostgreSQL as asyncpg finds it while it starts up."""

    sqlstate = "57P03"


@pytest.mark.parametrize(
    "outage", [Away(), ConnectionRefusedError(), TimeoutError(), TooBusy(), ProviderAway()], ids=repr
)
async def test_what_an_outage_refused_was_no_attempt(identity: Identity, outage: Exception, monkeypatch: Any) -> None:
    """By password, and wherever else attempts are counted: the address has all of its tries left afterwards."""
    person, place = await identity.person(await identity.client()), somewhere()

    async def away(*_: object) -> None:
        raise outage

    with monkeypatch.context() as broken:
        broken.setattr("services.identity.sessions.queries.find_account", away)
        broken.setattr("services.identity.sign_in_links.commands.request_link", away)
        answers = [await guess(identity, person["email"], place, RIGHT) for _ in range(8)]
        answers += [await Browser(identity, place).ask_for_link(person["email"]) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {503}
    assert await statuses(identity, person["email"], [place] * 8) == [401] * 5 + [429] * 3
    links = [(await Browser(identity, place).ask_for_link(person["email"])).status_code for _ in range(7)]
    assert links == [202] * 6 + [429]


@pytest.mark.parametrize("refusal", [TooManyWrong(), CallerGone(), ValueError()], ids=repr)
async def test_what_was_refused_for_another_reason_was_one(
    identity: Identity, refusal: Exception, monkeypatch: Any
) -> None:
    """Else whoever makes it busy, leaves, or finds something broken guesses for nothing."""
    person, place = await identity.person(await identity.client()), somewhere()

    async def refuse(*_: object) -> None:
        raise refusal

    with monkeypatch.context() as broken:
        broken.setattr("services.identity.sessions.queries.find_account", refuse)
        for _ in range(5):
            await guess(identity, person["email"], place, RIGHT)
    assert (await guess(identity, person["email"], place, RIGHT)).status_code == 429


async def test_what_is_given_back_after_its_window_makes_no_window_longer(identity: Identity) -> None:
    limits, bound, place = (
        AttemptLimits(Cache(identity.servers.addresses.redis_url)),
        (Limit("given-back", 2, 15, ("ip",)),),
        somewhere().ip,
    )
    for _ in range(3):
        await limits.give_back(bound, ip=place)
    for _ in range(2):
        await limits.admit(bound, ip=place)
    with pytest.raises(TooManyAttempts):
        await limits.admit(bound, ip=place)


async def test_a_larger_office_may_try_more_and_an_account_no_more(
    run_service: ServiceFactory, servers: Backing, cluster: Cluster
) -> None:
    settings = {"people_per_address": 120}
    async with run_service("identity", create_app, IdentitySettings, public_url=PUBLIC_URL, **settings) as api:
        identity = Identity(api, servers, cluster.admin_of(api.database_url))
        browser = await identity.browser()
        answers = [(await browser.redeem(token="x")).status_code for _ in range(61)]
        person, place = await identity.person(await identity.client()), somewhere()
        guesses = [(await guess(identity, person["email"], place)).status_code for _ in range(6)]
        await identity.close()
    assert (answers, guesses) == ([401] * 60 + [429], [401] * 5 + [429])
