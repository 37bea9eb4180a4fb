"""Partner tokens are narrow, asked of the one verifier that the gateway and every service use."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared import partners, tokens
from shared.actor import Actor
from shared.clock import now, uuid7
from shared.errors import Unavailable
from shared.partners import InvalidToken, PartnerVerifier
from tests.clocks import clock_of, living_ahead
from tests.partners import ISSUER, IdentityStandIn, PartnerSigner, new_key

ERP = Actor(id=uuid7(), kind="partner", client_id=uuid7(), scopes=frozenset({"projects:read", "activity:read"}))


@pytest.fixture
def keys() -> PartnerSigner:
    return PartnerSigner()


@pytest.fixture
async def identity(keys: PartnerSigner) -> AsyncIterator[IdentityStandIn]:
    stand_in = IdentityStandIn(keys)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture
def verifier(identity: IdentityStandIn) -> PartnerVerifier:
    return partners.asking(ISSUER, f"http://127.0.0.1:{identity.port}")


async def test_a_good_token_is_the_partner_it_names(verifier: PartnerVerifier, keys: PartnerSigner) -> None:
    partner = await verifier.verify(keys.token(ERP), "192.0.2.7")
    assert (partner.kind, partner.id, partner.name, partner.client_id) == ("partner", ERP.id, "Acme ERP", ERP.client_id)
    assert (partner.scopes, partner.ip, partner.policies) == (ERP.scopes, "192.0.2.7", frozenset())
    assert partner.session_id is not None
    assert partner.session_ends is not None


async def test_a_token_ends_when_the_portals_clock_says_so_also_where_that_is_ahead(
    verifier: PartnerVerifier, keys: PartnerSigner
) -> None:
    """Its end was written by a clock outside (`PORTAL_CLOCK_OFFSET`); a stream that it opened is ended by the portal's."""
    with living_ahead("+8d"):
        partner = await verifier.verify(keys.token(ERP), "")
        assert partner.session_ends is not None
        assert timedelta(0) < partner.session_ends - now() <= timedelta(seconds=partners.MAX_LIFE)


@pytest.mark.parametrize("ahead", [29, -625])
async def test_identitys_clock_may_differ_by_half_a_minute(
    verifier: PartnerVerifier, keys: PartnerSigner, ahead: int
) -> None:
    issued = int(time.time()) + ahead
    token = keys.token(ERP, iat=issued, exp=issued + partners.MAX_LIFE)
    assert (await verifier.verify(token, "")).id == ERP.id


async def test_no_forgery_passes_and_none_reaches_identity(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn
) -> None:
    for name, token in keys.forgeries(ERP).items():
        with pytest.raises(InvalidToken):
            pytest.fail(f"{name} was accepted as {await verifier.verify(token, '')}")
    assert identity.asked_who == 0


async def test_a_revoked_one_is_refused_within_a_second(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_of(monkeypatch, partners, tokens)
    token = keys.token(ERP)
    await verifier.verify(token, "")
    identity.status = 401
    assert (await verifier.verify(token, "")).id == ERP.id  # asked less than a second ago
    clock.ahead = 1.0
    with pytest.raises(InvalidToken):
        await verifier.verify(token, "")


async def test_many_at_once_share_one_question_a_second(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn
) -> None:
    token = keys.token(ERP)
    await asyncio.gather(*(verifier.verify(token, "") for _ in range(50)))
    assert (identity.asked_who, identity.asked_for_keys) == (1, 1)
    await verifier.verify(keys.token(ERP), "")  # the proof is the token, not what another one of it proved
    assert identity.asked_who == 2


@pytest.mark.parametrize("status", [500, 503, 404, 302])
async def test_while_nobody_can_say_the_answer_is_unavailable(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn, status: int
) -> None:
    token = keys.token(ERP)
    identity.status = status
    with pytest.raises(Unavailable):
        await verifier.verify(token, "")
    identity.status = 200
    assert (await verifier.verify(token, "")).id == ERP.id  # no second of waiting for what was no answer


async def test_identity_away_is_unavailable_and_never_yes(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn
) -> None:
    token = keys.token(ERP)
    await identity.stop()
    with pytest.raises(Unavailable):
        await verifier.verify(token, "")
    await identity.start(identity.port)
    await verifier.verify(token, "")
    await identity.stop()
    with pytest.raises(Unavailable):
        await verifier.verify(keys.token(ERP), "")


async def test_a_new_key_is_found_and_random_ones_ask_once(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_of(monkeypatch, partners, tokens)
    old = keys.token(ERP)
    await verifier.verify(old, "")
    clock.ahead += tokens.REFRESH_SECONDS + 1
    for number in range(50):
        with pytest.raises(InvalidToken):
            await verifier.verify(keys.token(ERP, {"kid": f"k{number}"}), "")
    assert identity.asked_for_keys == 2
    keys.keys.insert(0, new_key("second"))
    clock.ahead += tokens.REFRESH_SECONDS + 1
    assert (await verifier.verify(keys.token(ERP), "")).id == ERP.id
    assert (await verifier.verify(old, "")).id == ERP.id
    assert identity.asked_for_keys == 3


async def test_a_withdrawn_key_counts_no_more_and_the_last_ones_go_on_while_the_source_is_down(
    verifier: PartnerVerifier, keys: PartnerSigner, identity: IdentityStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_of(monkeypatch, partners, tokens)
    old, again = keys.token(ERP), keys.token(ERP)
    await verifier.verify(old, "")
    await identity.stop()
    for _ in range(3):  # ten minutes without the source: the keys stay, only liveness cannot be asked
        clock.ahead += tokens.KEYS_LIVE_SECONDS
        with pytest.raises(Unavailable):
            await verifier.verify(old, "")
    keys.keys[:] = [new_key("second")]
    await identity.start(identity.port)
    clock.ahead += tokens.KEYS_LIVE_SECONDS + 1
    await verifier.verify(again, "")  # asks for the keys on the side
    async with asyncio.timeout(30):
        while True:
            try:
                await verifier.verify(again, "")
            except InvalidToken:
                break
            await asyncio.sleep(0.01)
