"""The activity page: by day where the reader is, by project, a page at a time."""

import re

from services.portal.activity.marks import UNKNOWN, mark
from shared.contracts import TOLD
from shared.contracts.notifications import BellChanged
from tests.portal.patience import LATE
from tests.portal.people import ANNA
from tests.portal.standin import ago, entry, uid

FRAGMENT = {"HX-Request": "true"}


async def test_entries_are_grouped_by_day(browse):
    page = await browse(ANNA).get("/activity")
    headings = re.findall(r'class="day-head"><span class="screen-only">([^<]+)', page.text)
    assert len(headings) == len(set(headings)) >= 4


async def test_a_day_is_the_readers_day(browse, standin):
    standin.state["activity"] = [entry(1, "project_created", "Late at night", "2026-03-01T23:30:00+00:00")]
    browser = browse(ANNA)
    browser.cookies.set("portal_zone", "Europe/Berlin")
    assert "2 March" in (await browser.get("/activity")).text
    browser.cookies.set("portal_zone", "America/New_York")
    assert "1 March" in (await browser.get("/activity")).text


async def test_the_next_page_repeats_no_heading(browse, standin):
    standin.state["activity"] = [entry(n, "milestone_updated", f"Step {n:03}", ago(minutes=0)) for n in range(45)]
    browser = browse(ANNA)
    first = await browser.get("/activity")
    more = re.search(r'hx-get="(/activity\?[^"]*cursor=[^"]*)"', first.text)
    assert more
    address = more[1].replace("&amp;", "&")
    rest = await browser.get(address, headers=FRAGMENT)
    assert "Step 044" in rest.text
    assert "day-head" not in rest.text
    assert "Show more" not in rest.text
    assert "<html" in (await browser.get(address)).text


async def test_the_project_filter_reaches_the_service_and_stays_chosen(browse, standin):
    page = await browse(ANNA).get("/activity", params={"project_id": uid(2)})
    assert "Customer portal is now at risk" in page.text
    assert "Jonas Weber completed Brand refresh" not in page.text
    assert f'<a class="menu-item" href="/activity?project_id={uid(2)}" aria-current="true">' in page.text


async def test_no_filter_is_no_reason_to_wait(browse, standin, hurried):
    standin.delay["/projects"] = LATE
    page = await browse(ANNA).get("/activity")
    assert page.status_code == 200
    assert "<select" not in page.text


def test_each_event_of_the_feed_has_a_mark():
    assert [kind.type for kind in TOLD if mark(kind.type) == UNKNOWN] == []


async def test_a_page_listens_to_each_event_of_the_feed_and_shows_what_it_changes(browse):
    """The activity is refreshed by all of them; beside it each has to refresh something else."""
    browser = browse(ANNA)
    pages = [(await browser.get(path)).text for path in ("/", "/projects", f"/projects/{uid(1)}")]
    told = [kind.type for kind in TOLD]
    for page in pages:
        assert re.findall(r' data-told="([^"]*)" data-signals="([^"]*)"', page) == [(" ".join(told), BellChanged.type)]
    widgets = [each for page in pages for each in re.findall(r' id="([\w-]+)" data-widget.* data-live="([^"]*)"', page)]
    assert set(dict(widgets)["activity"].split()) == set(told)
    shown = {kind for name, kinds in widgets if name != "activity" for kind in kinds.split()}
    assert shown == {*told, BellChanged.type}


async def test_an_unheard_of_event_is_still_told(browse, standin):
    standin.state["activity"][0]["type"] = "ship_launched"
    page = await browse(ANNA).get("/activity")
    assert "Jonas Weber finished Visual design" in page.text
