"""Staff look at one client at a time."""

import pytest

from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.standin import ACME, BIRCH, uid

FRAGMENT = {"HX-Request": "true"}


async def test_the_page_and_the_menu_offer_every_client(browse):
    browser = browse(JONAS)
    page = (await browser.get("/switch-client", params={"next": "/projects"})).text
    menu = (await browser.get("/switch-client", params={"next": "/projects"}, headers=FRAGMENT)).text
    for shown in (page, menu):
        assert f'name="client_id" value="{ACME}"' in shown
        assert "All clients" in shown
        assert 'name="next" value="/projects"' in shown
    assert "<html" in page
    assert menu.strip().startswith('<div class="menu-load"')


async def test_typing_finds_a_client(browse, standin):
    page = (await browse(CLARA).get("/switch-client", params={"q": "bir"}, headers=FRAGMENT)).text
    assert "Birch Ltd" in page
    assert "Acme GmbH" not in page
    assert (
        "No client matches" in (await browse(CLARA).get("/switch-client", params={"q": "zzz"}, headers=FRAGMENT)).text
    )


async def test_a_choice_is_remembered_and_narrows_every_page(browse, standin):
    browser = browse(CLARA)
    answer = await browser.post("/switch-client", data={"client_id": ACME, "next": "/projects"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/projects"
    assert "HttpOnly" in answer.headers["set-cookie"]
    page = await browser.get("/projects")
    assert "Showing Acme GmbH only" in page.text
    assert [call.query.get("client_id") for call in standin.calls if call.path == "/projects"] == [ACME]
    chosen = await browser.get("/switch-client")
    assert f'value="{ACME}" aria-current="true"' in chosen.text
    await browser.post("/switch-client", data={"client_id": "", "next": "/"})
    standin.calls.clear()
    await browser.get("/projects")
    assert [call.query.get("client_id") for call in standin.calls if call.path == "/projects"] == [None]


@pytest.mark.parametrize(
    ("here", "lands"),
    [
        ("/", "/"),
        (f"/projects/{uid(1)}", "/projects"),
        ("/projects#list", "/projects"),
        ("/activity?project_id=1", "/activity"),
        (f"/clients/{ACME}", f"/clients/{BIRCH}"),
        ("/profile", "/profile"),
        (f"/milestones/{uid(1)}/edit", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
    ],
)
async def test_nobody_lands_on_a_page_of_the_client_before(browse, here, lands):
    answer = await browse(CLARA).post("/switch-client", data={"client_id": BIRCH, "next": here})
    assert answer.headers["location"] == lands


@pytest.mark.parametrize("chosen", [uid(999), "not-an-id", "<script>"])
async def test_a_client_there_is_not_cannot_be_chosen(browse, chosen):
    answer = await browse(CLARA).post("/switch-client", data={"client_id": chosen})
    assert answer.status_code == 404
    assert "portal_client" not in answer.headers.get("set-cookie", "")


async def test_client_people_have_nothing_to_switch(browse, standin):
    browser = browse(ANNA)
    assert (await browser.get("/switch-client")).status_code == 403
    assert (await browser.post("/switch-client", data={"client_id": BIRCH})).status_code == 403
    browser.cookies.set("portal_client", BIRCH)
    await browser.get("/projects")
    asked = [call for call in standin.calls if call.path == "/projects"]
    assert asked[-1].query.get("client_id") == ACME
