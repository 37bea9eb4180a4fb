"""Everything that can be read, read by everybody: nothing of others is in it, and reading changes nothing."""

from tests.isolation.matrix import checksums, pages, settle
from tests.portal_stack import API, Portal


def test_no_byte_of_acme_is_in_anything_birch_can_read(portal: Portal, ids: dict[str, str]) -> None:
    acme = (
        portal.as_("admin")
        .get(f"{API}/projects", params={"client_id": ids["client_id"], "limit": "100"})
        .json()["items"]
    )
    canaries = {ids["client_id"], "Acme", *(each["name"] for each in acme), *(each["id"] for each in acme)}
    canaries |= {portal.me(who)["id"] for who in ("approver", "viewer", "feedback")}
    canaries -= set(ids.values())  # what is asked with may be said back
    own = {**ids, "client_id": portal.me("birch")["client_id"]}
    found = [(name, canary) for name, text in pages(portal, "birch", own) for canary in canaries if canary in text]
    assert found == []
    assert any(canary in text for _, text in pages(portal, "approver", ids) for canary in canaries)


def test_feedback_people_read_no_content_of_projects(portal: Portal, ids: dict[str, str]) -> None:
    """Seed 004: they may give feedback, and see nothing of scope, milestones or what happened in them."""
    staff = portal.as_("admin")
    projects = staff.get(f"{API}/projects", params={"client_id": ids["client_id"]}).json()["items"]
    milestones = [
        milestone["name"]
        for project in projects
        for milestone in staff.get(f"{API}/projects/{project['id']}").json()["milestones"]
    ]
    seen = [(name, word) for name, text in pages(portal, "feedback", ids) for word in milestones if word in text]
    assert seen == []


async def test_reading_changes_nothing_but_the_log(portal: Portal, ids: dict[str, str]) -> None:
    """S4: no GET has a side effect on business rows."""
    for role in ("birch", "viewer", "admin"):
        portal.forget(role)  # nobody's kept session gets too old while they read
        portal.as_(role)
    await settle(portal)
    before = await checksums(portal)
    for role in ("birch", "viewer", "admin"):
        for _ in pages(portal, role, ids):
            pass
    assert await checksums(portal) == before
