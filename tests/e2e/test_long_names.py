"""Names as long as they may be, in one word, the company's among them: every page that shows them keeps its width."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import NewPortal
from tests.e2e.appearance import NARROWEST, WIDE, wider_at
from tests.e2e.conftest import Seat, Sit
from tests.e2e.test_account import link_to
from tests.e2e.test_bell import is_told
from tests.portal_stack import API, PASSWORD, PEOPLE, Portal

WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützen"
LONG = WORD * 4
LISTS = {
    "admin": ["/", "/projects", "/clients", "/activity", "/people?kind=client"],
    "approver": ["/notifications", "/projects"],
}
"""They have hardly a word that depends on the language: one is enough."""
BRAND = {"services.portal.branding:SECONDS": 0.2}


@pytest.fixture(scope="module")
def portal(new_portal: NewPortal) -> Iterator[Portal]:
    """One of its own: such names would be in everybody's lists."""
    with new_portal("long", **BRAND) as running:
        staff = running.as_("admin")
        draft = staff.patch(f"{API}/brand/draft", json={"name": WORD})
        published = staff.post(f"{API}/brand/publish", headers={"If-Match": draft.headers["etag"]})
        assert published.status_code == 200, published.text
        yield running


@pytest.fixture(scope="module")
def paths(portal: Portal) -> dict[str, list[str]]:
    """A client, two projects, a milestone, a webhook and two people, and for whom they are on which pages."""

    def made(path: str, **body: Any) -> str:
        answer = portal.as_("admin").post(f"{API}/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    client = made("clients", name=LONG[:100])
    first = {"client_id": client, "name": "First"}
    portal.until(
        lambda: portal.as_("admin").post(f"{API}/projects", json=first).status_code == 201
    )  # it has heard of it
    webhook = portal.webhook(client, name=LONG[:80])["id"]
    project = made("projects", client_id=client, name=LONG, description=LONG, status="on_track")
    made(f"projects/{project}/milestones", name=LONG, target_on="2030-01-01")
    name = {"first_name": LONG[:80], "last_name": LONG[:80]}
    made("people", kind="client", client_id=client, email="long@harbour.example", password=PASSWORD, **name)
    invited = made(f"clients/{client}/contacts", email="invited@harbour.example", **name)
    assert portal.as_("admin").post(f"{API}/contacts/{invited}/portal-access/enable").status_code == 200
    guest = made(f"clients/{client}/contacts", email=PEOPLE["viewer"], first_name="Mia", last_name="Lang")
    assert portal.as_("admin").post(f"{API}/contacts/{guest}/portal-access/enable").status_code == 200
    theirs = made("projects", client_id=portal.me("approver")["client_id"], name=LONG, status="on_track")
    portal.until(lambda: is_told(portal, "approver", theirs))
    portal.until(lambda: LONG in portal.as_("admin").get(f"{API}/webhooks/{webhook}/deliveries").text)
    pages = [f"/projects/{project}", f"/clients/{client}", f"/clients/{client}/contacts", f"/webhooks/{webhook}"]
    pages.append(f"/activity?project_id={project}")
    forms = [f"/projects/new?client_id={client}", "/invitations/bulk", "/security", "/brand/preview"]
    contacts = [f"/contacts/{portal.me('viewer')['id']}", f"/contacts/{invited}"]
    return {
        "anonymous": ["/sign-in", "/register", "/forgot-password", "/help", link_to(portal, "invited@", "invitation")],
        "admin": [*pages, *contacts, *forms, f"/projects/{project}/edit"],
        "approver": ["/team/new"],
        "viewer": [link_to(portal, PEOPLE["viewer"], "invitation"), "/organisations"],
    }


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_page_scrolls_sideways(portal: Portal, sit: Sit, paths: dict[str, list[str]], language: str) -> None:
    """A theme changes no width: one is enough. Wide pages have room for the words of any language."""
    windows = (WIDE, NARROWEST) if language == "en" else (NARROWEST,)
    wide: list[tuple[str, str, int]] = []
    for who, pages in paths.items():
        with sit(who) as seat:
            speak(portal, seat, who, language)
            for path in pages + LISTS.get(who, []) * (language == "en"):
                seat.open(path)
                wide += [(who, path, width) for width in wider_at(seat.page, *windows)]
                if path.endswith("/edit"):
                    wide += [(who, "stale", width) for width in stale(portal, seat, path)]
    assert wide == []


def speak(portal: Portal, seat: Seat, who: str, language: str) -> None:
    """Pages are in this language."""
    seat.page.set_extra_http_headers({"Accept-Language": language})
    if who != "anonymous":
        assert portal.as_(who).patch(f"{API}/people/me", json={"language": language}).status_code == 200


def stale(portal: Portal, seat: Seat, path: str) -> list[int]:
    """The form of a project that somebody else changed while it was open."""
    form = f"{API}{path.removesuffix('/edit')}"
    seat.page.locator("[name=description]").fill("Mine")
    staff = portal.as_("admin")
    known = staff.get(form)
    other = "".join(reversed(known.json()["description"]))
    saved = staff.patch(form, json={"description": other}, headers={"If-Match": known.headers["etag"]})
    assert saved.status_code == 200, saved.text
    seat.page.locator(".form-foot .btn-primary").click()
    seat.page.locator(".theirs").wait_for()
    return wider_at(seat.page, WIDE, NARROWEST)
