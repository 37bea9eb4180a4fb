"""Staff look through a client's eyes: they ask for it, see at all times that they do, and leave."""

import re

import msgspec
import pytest

from shared.actor import Reader
from tests.portal.people import ANNA, CLARA, JONAS, MIA
from tests.portal.standin import ACME, uid

VIEWER = msgspec.structs.replace(CLARA, policies=CLARA.policies | {"viewAsClient"})
VIEWING = msgspec.structs.replace(
    ANNA, id=CLARA.id, name=CLARA.name, session_id=CLARA.session_id, project_roles={}, read_only=True
)
AS_MIA = msgspec.structs.replace(
    MIA, id=CLARA.id, name=CLARA.name, session_id=CLARA.session_id, read_only=True, seen_as=Reader(MIA.id, MIA.name)
)
PROJECT = f"/projects/{uid(1)}"
OFFERS = {"/team": "Invite a colleague"}
FRAGMENT = {"HX-Request": "true"}
BANNER = 'aria-label="View as client"'
NO_UNDO = '<form class="toast-undo" method="post" hidden>'


async def test_the_clients_page_offers_it_to_whom_it_is_allowed(browse, standin):
    button = f'href="/view-as?client_id={ACME}"'
    assert button in (await browse(VIEWER).get(f"/clients/{ACME}")).text
    assert button not in (await browse(JONAS).get(f"/clients/{ACME}")).text
    standin.state["clients"][0]["portal_enabled"] = False
    assert button not in (await browse(VIEWER).get(f"/clients/{ACME}")).text


async def test_what_it_means_is_said_and_whom_is_chosen_from_the_clients_people(browse, standin):
    browser = browse(VIEWER)
    whole = (await browser.get("/view-as", params={"client_id": ACME})).text
    found = (await browser.get("/view-as", params={"client_id": ACME, "q": "Mia"}, headers=FRAGMENT)).text
    assert f'name="client_id" value="{ACME}"' in whole
    assert "audit log" in whole
    for who, role in (("Anna Keller", "Primary contact"), ("Felix Brandt", "Viewer"), ("Mia Lorenz", "No role")):
        assert who in whole
        assert role in whole
    assert "Mia Lorenz" in found
    assert "Anna Keller" not in found
    assert "<html" not in found
    assert [call.method for call in standin.calls if "view-as" in call.path] == []


async def test_who_cannot_sign_in_is_no_choice(browse, standin):
    mia = standin.person(str(MIA.id))
    for active, access in ((True, True), (False, True), (True, False)):
        mia |= {"active": active, "portal_access": access}
        page = (await browse(VIEWER).get("/view-as", params={"client_id": ACME, "q": "Mia"})).text
        assert "Mia Lorenz" in page
        assert (f'value="{MIA.id}"' in page) == (active and access)


async def test_one_person_is_viewed(browse, standin):
    answer = await browse(VIEWER).post("/view-as", data={"client_id": ACME, "person_id": str(MIA.id)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (call,) = [call for call in standin.calls if call.path == "/auth/view-as"]
    assert call.body == {"client_id": ACME, "person_id": str(MIA.id)}
    assert (await browse(VIEWER).post("/view-as", data={"client_id": ACME, "person_id": "1"})).status_code == 404


async def test_who_was_shut_out_meanwhile_is_told_where_one_chose(browse, standin):
    standin.refuse("/auth/view-as", 409, "viewing.person_without_access")
    answer = await browse(VIEWER).post("/view-as", data={"client_id": ACME, "person_id": str(MIA.id)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/view-as?client_id={ACME}")


@pytest.mark.parametrize("path", ["/", "/projects", "/profile", "/activity", "/team"])
async def test_the_portal_is_that_persons(browse, path):
    """Greeting, menu and navigation; what they sign in with is not there, nor is what staff sign in with."""
    page = await browse(AS_MIA).get(path)
    own = await browse(MIA).get(path)
    assert page.status_code == own.status_code
    assert places(page.text) == places(own.text)
    assert 'Viewing as <bdi class="strong">Mia Lorenz</bdi>' in page.text
    assert page.text.count("Clara") == own.text.count("Clara")
    assert page.text.count("Mia") > own.text.count("Mia")
    assert 'href="/security' not in page.text


@pytest.mark.parametrize("path", ["/security", "/security/passkeys", "/security/two-factor", "/security/email"])
async def test_what_somebody_signs_in_with_is_no_part_of_it(browse, standin, path):
    answer = await browse(AS_MIA).get(path)
    assert answer.status_code == 403
    assert "View only" in answer.text
    assert [call for call in standin.calls if call.path in ("/sessions", "/passkeys", "/two-factor")] == []


def places(page):
    """Where the navigation leads."""
    return re.findall(r'<li><a href="([^"]+)"', page)


async def test_it_begins_on_the_dashboard_with_a_new_cookie(browse, standin):
    answer = await browse(VIEWER).post("/view-as", data={"client_id": ACME})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert any(line.startswith("portal_session=another;") for line in answer.headers.get_list("set-cookie"))
    (call,) = [call for call in standin.calls if call.path == "/auth/view-as"]
    assert call.body == {"client_id": ACME}


@pytest.mark.parametrize("path", ["/profile", "/settings", "/security", "/security/email"])
async def test_a_client_as_a_whole_has_nothing_personal(browse, standin, path):
    """The viewer's own would stand there for the client's."""
    page = await browse(VIEWING).get(path)
    assert page.status_code == 403
    assert "A client as a whole has no profile" in page.text
    assert 'href="/profile"' not in page.text
    assert 'href="/security' not in page.text
    assert [call for call in standin.calls if call.path in ("/auth/me", "/sessions", "/passkeys")] == []


@pytest.mark.parametrize("path", ["/", "/projects", "/activity"])
async def test_every_page_says_so(browse, path):
    page = await browse(VIEWING).get(path)
    assert page.status_code == 200
    assert BANNER in page.text
    assert 'Viewing as <bdi class="strong">Acme GmbH</bdi>' in page.text
    assert 'action="/view-as/end"' in page.text
    assert BANNER not in (await browse(ANNA).get(path)).text


@pytest.mark.parametrize("path", ["/", "/projects", f"{PROJECT}", "/activity", "/team"])
async def test_nothing_is_offered_that_would_be_refused(browse, path):
    """Interface paper: what somebody may not do is not in the page."""
    looked, own = (await browse(VIEWING).get(path)).text, (await browse(ANNA).get(path)).text
    assert sent_by(looked) <= {"/view-as/end", "/sign-out", "/settings/theme"}
    assert re.findall(r'(?:href|action)="(/(?:team|security)/[^"]+)"', looked) == []
    for place, button in OFFERS.items():
        assert button not in looked
        assert place != path or button in own


def sent_by(page):
    """Where the forms of a page that change something go to ("": to the page itself).

    The empty Undo of a short answer goes nowhere: it is hidden until an answer gives it an address.
    """
    forms = [form for form in re.findall(r"<form [^>]+>", page) if form != NO_UNDO]
    assert forms
    return {"".join(re.findall(r' action="([^"?]+)', form)) for form in forms if 'method="post"' in form}


async def test_an_error_says_so_too(browse):
    page = await browse(VIEWING).get("/projects/01900000-0000-7000-8000-0000000000ff")
    assert page.status_code == 404
    assert BANNER in page.text


async def test_the_viewer_sees_what_the_client_sees_and_no_place_of_the_staffs(browse):
    page = (await browse(VIEWING).get("/")).text
    assert 'href="/clients"' not in page
    assert "/switch-client" not in page
    assert "Clara Hoffmann" in page
    refused = await browse(VIEWING).get(f"/clients/{ACME}")  # as the client's own people read it
    assert (refused.status_code, "No access" in refused.text, "View only" in refused.text) == (403, True, False)


@pytest.mark.parametrize("path", ["/profile", "/switch-client", f"/clients/{ACME}/edit", "/view-as"])
async def test_what_changes_something_is_refused_calmly(browse, standin, path):
    answer = await browse(VIEWING).post(path, data={"client_id": ACME})
    assert answer.status_code == 403
    assert "View only" in answer.text
    assert BANNER in answer.text
    assert [call for call in standin.calls if call.method != "GET"] == []


async def test_leaving_leads_back_to_the_client_as_oneself(browse, standin):
    answer = await browse(VIEWING).post("/view-as/end")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/clients/{ACME}")
    assert any(line.startswith("portal_session=another;") for line in answer.headers.get_list("set-cookie"))


async def test_who_has_left_already_is_shown_the_way(browse, standin):
    standin.refuse("/auth/view-as/end", 409)
    answer = await browse(VIEWER).post("/view-as/end")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_looking_does_not_keep_one_from_ones_own_comforts(browse):
    browser = browse(VIEWING)
    assert (await browser.post("/settings/theme", data={"theme": "dark"})).status_code == 303
    assert (await browser.post("/sign-out")).status_code == 303


@pytest.mark.parametrize("actor", [ANNA, JONAS])
async def test_others_are_refused(browse, actor):
    assert (await browse(actor).get("/view-as", params={"client_id": ACME})).status_code == 403
    assert (await browse(actor).post("/view-as", data={"client_id": ACME})).status_code == 403


@pytest.mark.parametrize("client_id", ["", "1", "01900000-0000-7000-8000-0000000000ff"])
async def test_no_client_is_no_view(browse, standin, client_id):
    standin.refuse("/auth/view-as", 404)
    assert (await browse(VIEWER).post("/view-as", data={"client_id": client_id})).status_code == 404
