"""Many invitations at once: who is picked, what becomes of each, and the button pressed again."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.identity.bulk_invitations.conftest import Office
from tests.identity.rig import ADMIN, Identity, colleague_of, staff


async def test_the_preview_counts_who_could_be_invited(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    await identity.person(client_id)  # has a password, so an account
    invited = await office.contact(client_id)
    await identity.api(ADMIN, "POST", f"contacts/{invited['id']}/portal-access/enable")
    await office.contact(client_id)
    await office.contact(client_id, email=None)
    gone = await office.contact(client_id)
    await identity.api(ADMIN, "PATCH", f"contacts/{gone['id']}", json={"active": False})
    elsewhere = await identity.person(await identity.client("Birch Ltd"))
    await office.contact(client_id, email=elsewhere["email"])  # joins with the account they have
    await office.contact(client_id, email=(await identity.person())["email"])  # one of the staff's
    assert await office.preview(client_id) == {"eligible": 2, "already_invited": 2, "total": 7, "running": None}
    everybody = await office.preview(None)
    assert everybody["eligible"] >= 1
    assert everybody["total"] >= 7
    told = {}
    for wanted in ("true", "false"):
        params = {"client_id": client_id, "invited": wanted, "limit": 2}
        cursor: str | None = ""
        while cursor is not None:
            path = "invitations/bulk/recipients"
            page = (
                await identity.api(office.clara, "GET", path, params=params | {"cursor": cursor} if cursor else params)
            ).json()
            told.update({each["person_id"]: (wanted, each["reason"]) for each in page["items"]})
            cursor = page["next_cursor"]
    assert sorted(told.values()) == [
        *[("false", reason) for reason in ("has_account", "inactive", "invited", "no_address", "staff_address")],
        *[("true", "")] * 2,
    ]
    await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"portal_enabled": False})
    assert (await office.preview(client_id))["eligible"] == 0


async def test_everybody_who_can_be_is_invited_once_and_let_in(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    contacts = [await office.contact(client_id) for _ in range(4)]
    bounced = await office.contact(client_id, first_name="Otto", email=f"{uuid4().hex}@bounces.example")
    answer = await office.start(client_id)
    assert answer.status_code == 202, answer.text
    assert answer.json()["total"] == 5
    result = await office.done(answer.json()["id"])
    counts = {name: result[name] for name in ("total", "sent", "failed", "skipped", "waiting")}
    assert counts == {"total": 5, "sent": 4, "failed": 1, "skipped": 0, "waiting": 0}
    assert [(each["person_id"], each["name"], each["status"], each["reason"]) for each in result["failures"]] == [
        (bounced["id"], "Otto Vogt", "failed", "refused")
    ]
    told = await identity.api(office.clara, "GET", f"invitations/bulk/{result['id']}/recipients")
    outcomes = {each["person_id"]: (each["status"], each["reason"]) for each in told.json()["items"]}
    assert outcomes == {bounced["id"]: ("failed", "refused")} | {each["id"]: ("sent", "") for each in contacts}
    for contact in contacts:
        assert len(identity.mails_to(contact["email"])) == 1
        seen = (await identity.api(ADMIN, "GET", f"contacts/{contact['id']}")).json()
        assert (seen["portal_access"], seen["invitation"]["status"]) == (True, "sent")
        (granted,) = await identity.events("portal_access_granted", contact["id"])
        assert (granted.actorid, granted.actorname, granted.actorkind) == (office.clara.id, "Clara Hoffmann", "staff")
    (started,) = await identity.events("bulk_invitation_started", result["id"])
    assert (str(started.clientid), msgspec.json.decode(started.data)) == (client_id, {"total": 5})
    await identity.until("select 1 from bulk_invitations where id = $1 and done_at is not null", result["id"])
    (finished,) = await identity.events("bulk_invitation_finished", result["id"])
    assert msgspec.json.decode(finished.data) == {"sent": 4, "failed": 1, "skipped": 0}


async def test_nobody_gets_a_mail_who_was_not_on_the_list(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    contacts = [await office.contact(client_id) for _ in range(2)]
    answer = await office.start(client_id, expected=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "bulk_invitation.recipients_changed")
    assert (await office.preview(client_id))["eligible"] == 2
    assert (await office.start(client_id, expected=2)).status_code == 202
    assert identity.mails_to(contacts[0]["email"]) is not None


async def test_again_only_who_failed_or_is_new_is_invited(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    sent = await office.contact(client_id)
    bounced = await office.contact(client_id, email=f"{uuid4().hex}@bounces.example")
    await office.run(client_id)
    new = await office.contact(client_id)
    right = f"{uuid4().hex}@acme.example"
    await identity.api(ADMIN, "PATCH", f"contacts/{bounced['id']}", json={"email": right})
    second = await office.run(client_id)
    assert (second["total"], second["sent"], second["failures"]) == (2, 2, [])
    assert [len(identity.mails_to(email)) for email in (sent["email"], right, new["email"])] == [1, 1, 1]
    third = await office.run(client_id)
    assert (third["total"], third["done"]) == (0, True)


async def test_pressed_many_times_at_once_it_runs_once(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    contacts = [await office.contact(client_id) for _ in range(6)]
    answers = await asyncio.gather(*(office.start(client_id) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    (bulk_id,) = {answer.json()["id"] for answer in answers}
    result = await office.done(bulk_id)
    assert (result["total"], result["sent"]) == (6, 6)
    assert [len(identity.mails_to(contact["email"])) for contact in contacts] == [1] * 6
    assert len(await identity.events("bulk_invitation_started", bulk_id)) == 1
    assert len(await identity.events("bulk_invitation_finished", bulk_id)) == 1


async def test_for_all_clients_and_for_one_at_once_nobody_gets_two(identity: Identity, office: Office) -> None:
    client_id = await identity.client()
    contacts = [await office.contact(client_id) for _ in range(5)]
    answers = await asyncio.gather(office.start(client_id), office.start(None))
    results = [await office.done(answer.json()["id"]) for answer in answers]
    assert results[0]["id"] != results[1]["id"]
    assert [len(identity.mails_to(contact["email"])) for contact in contacts] == [1] * 5


async def test_one_address_in_two_books_is_invited_by_both(identity: Identity, office: Office) -> None:
    """They come in with either, and join the other (decision 0048)."""
    shared = f"{uuid4().hex}@acme.example"
    acme, birch = await identity.client(), await identity.client("Birch Ltd")
    twins = [await office.contact(each, email=shared) for each in (acme, birch)]
    result = await office.run(None)
    ours = [each for each in result["failures"] if each["person_id"] in {twin["id"] for twin in twins}]
    assert ours == []
    assert len(identity.mails_to(shared)) == 2
    rows = await identity.execute("select account_id from people where lower(email) = $1 order by 1", shared)
    assert [row[0] is None for row in rows] == [False, True]


async def test_who_became_pointless_in_the_meantime_is_skipped_and_says_why(identity: Identity, office: Office) -> None:
    """Picked a moment before somebody of the staff got this address."""
    staff = await identity.person()
    contact = await office.contact(await identity.client(), email=staff["email"])
    bulk = uuid4()
    await identity.execute(
        "insert into bulk_invitations (id, client_id, created_by, created_at) values ($1, $2, $3, now())",
        *(bulk, contact["client_id"], staff["id"]),
    )
    await identity.execute(
        "insert into bulk_invitation_items (bulk_invitation_id, person_id, client_id, status, updated_at)"
        " values ($1, $2, $3, 'waiting', now())",
        *(bulk, contact["id"], contact["client_id"]),
    )
    ((status, reason),) = await identity.until(
        "select status, reason from bulk_invitation_items where bulk_invitation_id = $1 and status <> 'waiting'", bulk
    )
    assert (status, reason) == ("skipped", "person.email_taken")
    assert identity.mails_to(staff["email"]) == []


HOLD_UP = """
    create or replace function hold_up() returns trigger language plpgsql as
    $$ begin raise exception 'somebody has it in hand' using errcode = 'lock_not_available'; end $$
"""
ON_WHOM = """
    create trigger hold_up before update on people for each row when (old.last_name = 'Held')
    execute function hold_up()
"""


@pytest.mark.parametrize("passes", [True, False])
async def test_one_who_cannot_be_invited_now_holds_up_nobody_and_has_a_minute(
    identity: Identity, office: Office, monkeypatch: pytest.MonkeyPatch, passes: bool
) -> None:
    client_id = await identity.client()
    held = await office.contact(client_id, last_name="Held")
    others = [await office.contact(client_id) for _ in range(3)]
    for statement in (HOLD_UP, ON_WHOM):
        await identity.execute(statement)
    try:
        bulk_id = (await office.start(client_id)).json()["id"]
        async with asyncio.timeout(60):
            while (await office.progress(bulk_id))["sent"] < len(others):
                await asyncio.sleep(0.05)
        tried = "select 1 from bulk_invitation_items i join bulk_invitations b on b.id = i.bulk_invitation_id"
        await identity.until(f"{tried} where i.person_id = $1 and i.updated_at > b.created_at + '1 s'", held["id"])
        waits = await office.progress(bulk_id)
        assert (waits["sent"], waits["waiting"], waits["done"]) == (3, 1, False)
        ready = await identity.api(None, "GET", "/readyz")
        assert ready.json()["bulk invitations"] == "ok"
        if not passes:
            monkeypatch.setattr("services.identity.bulk_invitations.commands.PATIENCE_SECONDS", 0.0)
            result = await office.done(bulk_id)
            assert [(each["person_id"], each["reason"]) for each in result["failures"]] == [(held["id"], "internal")]
    finally:
        await identity.execute("drop trigger hold_up on people")
    result = await office.done(bulk_id)
    assert (result["sent"], result["failed"]) == ((4, 0) if passes else (3, 1))
    assert len(identity.mails_to(held["email"])) == result["sent"] - 3


@pytest.mark.parametrize(
    "body", [{}, {"confirm": False}, {"confirm": "yes"}, {"confirm": None}, {"confirm": True, "client_id": "acme"}]
)
async def test_without_the_tick_nothing_is_sent(identity: Identity, office: Office, body: dict[str, Any]) -> None:
    answer = await identity.api(office.clara, "POST", "invitations/bulk", json=body)
    assert answer.status_code == 422
    assert await identity.execute("select 1 from bulk_invitations where created_by = $1", office.clara.id) == []


async def test_what_does_not_exist_is_404(identity: Identity, office: Office) -> None:
    assert (await office.start(str(uuid4()))).status_code == 404
    for path in (
        f"invitations/bulk/{uuid4()}",
        f"invitations/bulk/{uuid4()}/recipients",
        f"invitations/bulk/preview?client_id={uuid4()}",
    ):
        assert (await identity.api(office.clara, "GET", path)).status_code == 404


async def test_it_needs_the_policy(identity: Identity) -> None:
    client_id = await identity.client()
    for actor in (staff("manageClients", "managePeople"), colleague_of(client_id, is_primary_contact=True)):
        assert (await identity.api(actor, "GET", "invitations/bulk/preview")).status_code == 403
        assert (await identity.api(actor, "GET", f"invitations/bulk/{uuid4()}")).status_code == 403
        answer = await identity.api(actor, "POST", "invitations/bulk", json={"confirm": True, "client_id": client_id})
        assert answer.status_code == 403
