"""The bell in the frame, and the page it leads to."""

import re
from uuid import UUID

import pytest
from msgspec.structs import replace

from shared.actor import Reader
from tests.portal.people import ANNA, CLARA, MIA
from tests.portal.standin import notice, uid

FINISHED = "Jonas Weber finished Visual design"


@pytest.fixture
def told(standin):
    """Two that are new and an older one that is read."""
    standin.state["notifications"] = [
        notice(1, FINISHED, url=f"/projects/{uid(1)}#milestone-{uid(5)}"),
        notice(2, "Priya Nair marked Shop as at risk", kind="project_status_changed"),
        notice(3, "Jonas Weber shared Shop with the client", read=True, kind="project_shared"),
    ]
    return standin.state["notifications"]


def bell(page: str) -> str:
    """What the bell says."""
    [found] = re.findall(r'<a class="bell".*?</a>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


async def test_the_bell_on_every_page_counts_what_is_new(browse, told):
    for actor, path in ((ANNA, "/"), (ANNA, "/projects"), (CLARA, "/clients"), (ANNA, "/notifications")):
        page = (await browse(actor).get(path)).text
        assert bell(page) == "Notifications 2 2 unread"  # to see, and to hear
    assert bell((await browse(ANNA).get("/widgets/notifications/unread")).text) == "Notifications 2 2 unread"


async def test_a_bell_that_has_nothing_new_shows_no_number(browse, standin):
    assert bell((await browse(ANNA).get("/")).text) == "Notifications"
    standin.state["notifications"] = [notice(number, FINISHED) for number in range(101)]
    assert bell((await browse(ANNA).get("/")).text) == "Notifications 100+ 100+ unread"


async def test_a_count_that_failed_is_no_zero(browse, standin, told):
    """An open page keeps the number it has, and asks again."""
    standin.refuse("/notifications", 503)
    page = (await browse(ANNA).get("/projects")).text
    assert bell(page) == "Notifications"
    assert re.search(r'<a class="bell"[^>]* data-failed', page)
    assert (await browse(ANNA).get("/widgets/notifications/unread")).status_code == 503


async def test_a_page_that_did_not_count_asks_when_it_is_there(browse, standin, told):
    standin.refuse("/projects", 503)
    page = (await browse(ANNA).get("/projects")).text
    assert re.search(r'<a class="bell"[^>]* hx-trigger="load, refresh"', page)


async def test_the_page_lists_them_and_says_which_are_new(browse, told):
    page = (await browse(ANNA).get("/notifications")).text
    rows = re.findall(r"<li data-entry=.*?</li>", page, re.DOTALL)
    assert [("is-unread" in row, "New" in row) for row in rows] == [(True, True), (True, True), (False, False)]
    assert f'<a href="/notifications/{told[0]["id"]}/open">' in rows[0]
    assert f'href="{told[2]["target"]["url"]}"' in rows[2]
    assert f'name="upto" value="{told[0]["id"]}"' in page


async def test_whoever_was_told_of_nothing_reads_what_will_be_here(browse, standin):
    page = (await browse(ANNA).get("/notifications")).text
    assert "No notifications" in page
    assert "a new project for you" in page
    for actor in (replace(ANNA, is_primary_contact=False, project_roles={UUID(uid(1)): "feedback_only"}), CLARA):
        page = (await browse(actor).get("/notifications")).text
        assert "You are notified here when something needs your attention." in page
    assert "Mark all as read" not in page


async def test_opening_one_reads_it_and_leads_there(browse, standin, told):
    answer = await browse(ANNA).get(f"/notifications/{told[0]['id']}/open")
    assert (answer.status_code, answer.headers["Location"]) == (303, told[0]["target"]["url"])
    assert told[0]["read"]
    gone = await browse(ANNA).get(f"/notifications/{uid(999)}/open", follow_redirects=True)
    assert "This is no longer here." in gone.text
    assert "Notifications" in gone.text
    told[1]["target"]["url"] = "https://evil.example"
    answer = await browse(ANNA).get(f"/notifications/{told[1]['id']}/open")
    assert answer.headers["Location"] == "/notifications"
    closed = replace(ANNA, closed=frozenset({"projects"}))
    answer = await browse(closed).get(f"/notifications/{told[0]['id']}/open")
    assert answer.headers["Location"] == "/notifications"


async def test_a_browser_that_asks_ahead_of_its_reader_opens_none(browse, told):
    ahead = {"Sec-Purpose": "prefetch;prerender"}
    answer = await browse(ANNA).get(f"/notifications/{told[0]['id']}/open", headers=ahead)
    assert answer.status_code == 503
    assert not told[0]["read"]


async def test_they_are_read_one_by_one_or_all_at_once(browse, standin, told):
    http = browse(ANNA)
    answer = await http.post(f"/notifications/{told[1]['id']}/read", data={})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notifications")
    assert [each["read"] for each in told] == [False, True, True]
    await http.post("/notifications/read-all", data={"upto": told[0]["id"]})
    assert standin.written[-1] == ("POST", "/notifications/read-all", {"upto_id": told[0]["id"]})
    assert "All notifications are read" in (await http.get("/notifications")).text
    assert (await http.post(f"/notifications/{uid(999)}/read", data={})).status_code == 404


async def test_the_next_page_comes_alone(browse, standin):
    standin.state["notifications"] = [notice(number, f"Number {number}") for number in range(1, 46)]
    http = browse(ANNA)
    first = (await http.get("/notifications")).text
    [more] = re.findall(r'hx-get="(/notifications\?cursor=[^"]+)"', first)
    rest = (await http.get(more, headers={"HX-Request": "true"})).text
    titles = re.findall(r">(Number \d+)</a>", first + rest)
    assert titles == [f"Number {number}" for number in range(1, 46)]
    assert "<html" not in rest


async def test_who_sees_the_portal_as_somebody_reads_theirs_and_is_offered_nothing(browse, told):
    seen = replace(ANNA, id=CLARA.id, name=CLARA.name, read_only=True, seen_as=Reader(ANNA.id, ANNA.name))
    page = (await browse(seen).get("/notifications")).text
    assert bell(page) == "Notifications 2 2 unread"
    assert "/notifications/" not in page.partition("<main")[2]
    answer = await browse(seen).get(f"/notifications/{told[0]['id']}/open")
    assert (answer.headers["Location"], told[0]["read"]) == ("/notifications", False)
    whole = (await browse(replace(seen, seen_as=None)).get("/")).text
    assert 'class="bell"' not in whole


ROW = re.compile(r"<li data-entry=.*?</li>", re.DOTALL)


async def test_all_can_be_read_from_any_page_while_there_is_something_unread(browse, standin):
    """The newest are read one by one, and what the bell counts stands on the second page."""
    listed = [notice(number, f"Number {number}", read=number <= 32) for number in range(1, 46)]
    standin.state["notifications"] = listed
    http = browse(ANNA)
    first = (await http.get("/notifications")).text
    assert "is-unread" not in first
    [more] = re.findall(r'<a class="btn btn-plain" href="(/notifications\?cursor=[^"]+)"', first)
    second = (await http.get(more.replace("&amp;", "&"))).text
    for page in (first, second):
        assert "Mark all as read" in page
        assert f'name="upto" value="{listed[0]["id"]}"' in page
    only = (await http.get("/notifications?unread=true")).text
    assert re.findall(r">(Number \d+)</a>", only) == [f"Number {number}" for number in range(33, 46)]
    assert 'hx-get="/notifications?unread=true"' in only
    listed[:] = [each | {"read": True} for each in listed]
    assert "Mark all as read" not in (await http.get("/notifications")).text
    assert "No unread notifications" in (await http.get("/notifications?unread=true")).text


async def test_what_is_read_is_answered_in_its_place(browse, standin, told):
    http, part = browse(ANNA), {"HX-Request": "true"}
    row = (await http.post(f"/notifications/{told[0]['id']}/read", data={}, headers=part)).text
    assert len(ROW.findall(row)) == 1
    assert "is-unread" not in row
    gone = await http.post(f"/notifications/{uid(999)}/read", data={}, headers=part)
    assert (gone.status_code, gone.text) == (200, "")
    here = "/notifications?unread=true&cursor=30"
    for back, leads in ((here, here), ("/projects", "/notifications"), ("//evil.example", "/notifications")):
        answer = await http.post(f"/notifications/{told[1]['id']}/read", data={"back": back})
        assert answer.headers["Location"] == leads
    answer = await http.post("/notifications/read-all", data={"upto": told[0]["id"]}, headers=part)
    assert answer.text.strip().startswith('<section id="notifications"')
    assert "Mark all as read" not in answer.text
    assert "All notifications are read" in answer.headers["HX-Trigger"]


async def test_staff_read_of_which_client_each_is(browse, standin):
    """Also where there is no more to say of it; what is of no client names none."""
    standin.state["notifications"] = [
        notice(1, "Priya Nair marked Harbour as at risk", client_name="Acme GmbH"),
        notice(2, "Anna Keller accepted the invitation", client_name="Birch Ltd", description=""),
        notice(3, "The portal switched off a webhook", client_name=None),
    ]
    page = (await browse(CLARA).get("/notifications")).text
    said = [re.findall(r'<p class="small soft">(.*?)</p>', row) for row in ROW.findall(page)]
    assert said == [["Acme GmbH · Website relaunch"], ["Birch Ltd"], ["Website relaunch"]]


async def test_who_only_gives_feedback_is_led_to_no_choices(browse):
    for who, led in ((ANNA, True), (MIA, False)):
        assert ("Choose what you get" in (await browse(who).get("/notifications")).text) is led
