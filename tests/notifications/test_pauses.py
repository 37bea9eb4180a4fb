"""Attempts at somebody's account are paused: they hear of it, and so does who watches over sign-ins, once a day."""

from uuid import UUID

import msgspec

from shared.actor import Actor
from shared.contracts.accounts import FailedSignInsPaused
from shared.contracts.notifications import MailOrdered
from tests.notifications.rig import Cast, Rig

NOBODY = Actor()


async def paused(rig: Rig, person: Actor, reason: str = "password", *, known: bool = True) -> UUID:
    """Attempts at this person's account are paused; the event."""
    assert person.id
    event = FailedSignInsPaused(reason=reason, known=known)
    return await rig.publish(event, person.id, client_id=person.client_id, actor=NOBODY)


async def mails_to(rig: Rig, person: Actor) -> list[MailOrdered]:
    """The mails about paused attempts that are ordered for somebody, in order."""
    ordered = [
        msgspec.json.decode(e.data, type=MailOrdered) for e in await rig.api.published() if e.type == MailOrdered.type
    ]
    return [each for each in ordered if each.about == FailedSignInsPaused.type and each.person_id == person.id]


async def test_who_was_notified_is_not_notified_again_within_a_day(rig: Rig, cast: Cast) -> None:
    first = [
        await paused(rig, cast.approver),
        await paused(rig, cast.approver),
        await paused(rig, cast.viewer),
        await paused(rig, cast.approver, "totp"),
        await paused(rig, cast.assigned, "mail_code"),
        await paused(rig, cast.locked_out, "recovery_code"),
        await paused(rig, cast.primary, "recovery_code", known=False),
    ]
    await rig.settle()
    assert [cast.names(await rig.told(each)) for each in first] == [
        {"approver", "colleague"}, set(), {"viewer"}, {"approver", "colleague"}, {"assigned", "colleague"}, {"colleague"},
        set(),
    ]  # fmt: skip
    await rig.sql("update told set at = at - interval '1 day' where id = $1", first[0])
    again = await paused(rig, cast.approver)
    await rig.settle()
    assert cast.names(await rig.told(again)) == {"approver", "colleague"}


async def test_of_their_own_account_people_hear_whatever_they_heard_of_others(rig: Rig, cast: Cast) -> None:
    """And of others' whatever they heard of their own: who tries one account first silences nothing about another."""
    own, others = cast.colleague, cast.viewer
    first = [
        await paused(rig, others),
        await paused(rig, own),
        await paused(rig, own),
        await paused(rig, cast.approver),
    ]
    second = [await paused(rig, own, "totp"), await paused(rig, others, "totp")]
    await rig.settle()
    assert [own.id in await rig.told(each) for each in first + second] == [True, True, False, False, True, True]
    assert [each.facts.reason for each in await mails_to(rig, own)] == ["password", "totp"]


async def test_each_kind_of_proof_has_its_mail(rig: Rig, cast: Cast) -> None:
    """Each comes once a day at most; so the limit of mails about one thing is none of theirs."""
    reasons = ["password", "mail_code", "totp", "recovery_code"]
    for reason in reasons * 2:
        await paused(rig, cast.approver, reason)
    await rig.settle()
    mails = await mails_to(rig, cast.approver)
    assert [(each.facts.reason, each.fixed) for each in mails] == [(reason, True) for reason in reasons]


async def test_each_reads_more_where_they_may(rig: Rig, cast: Cast) -> None:
    """One's own is one's own, whatever one may read beside it; that of others needs the permission by then."""
    theirs, staffs = await paused(rig, cast.approver), await paused(rig, cast.assigned, "totp")
    await rig.settle()
    [own] = (await rig.get(cast.approver))["items"]
    assert (own["title"], own["description"], own["target"]["url"]) == (
        "Sign-ins to your account were paused after too many failed attempts", "The password was wrong.", "/security",
    )  # fmt: skip
    [limited] = (await rig.get(cast.assigned))["items"]
    assert (limited["id"], limited["target"]["url"]) == (str(staffs), "/security")
    watched = (await rig.get(cast.colleague))["items"]
    assert [(each["id"], each["target"]["url"]) for each in watched] == [
        (str(staffs), "/failed-sign-ins"), (str(theirs), "/failed-sign-ins"),
    ]  # fmt: skip
    assert {each["title"] for each in watched} == {
        "The portal paused sign-ins to an account after too many failed attempts"
    }
    assert await rig.listed(msgspec.structs.replace(cast.colleague, policies=frozenset({"manageProjects"}))) == []
    assert await rig.listed(msgspec.structs.replace(cast.assigned, policies=frozenset(), assignments={})) == [
        str(staffs)
    ]
    for other in (cast.viewer, cast.primary, cast.manager):
        assert not {str(theirs), str(staffs)} & {*await rig.listed(other)}


async def test_the_person_alone_gets_a_mail_of_it(rig: Rig, cast: Cast) -> None:
    await paused(rig, cast.approver)
    await paused(rig, cast.approver)
    await rig.settle()
    [mine] = await mails_to(rig, cast.approver)
    assert (mine.own, mine.policy, mine.path, mine.thread) == (True, "", "/security", cast.approver.id)
    assert await mails_to(rig, cast.colleague) == []
