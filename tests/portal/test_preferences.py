"""Settings: one's language, and what this browser keeps: the time zone."""

import pytest

from tests.portal.people import ANNA, CLARA
from tests.portal.test_profile import hidden

PAGE = "/preferences"


async def test_the_language_is_chosen_and_says_at_once_that_it_is(browse, standin):
    browser = browse(ANNA)
    page = (await browser.get(PAGE)).text
    await browser.post(PAGE, data={**hidden(page), "language": "de", "zone": ""})
    assert standin.written == [("PATCH", "/people/me", {"language": "de"})]
    page = (await browser.get(PAGE)).text
    assert '<option value="de" selected>' in page
    assert "Ihre Einstellungen sind gespeichert" in page


async def test_a_chosen_zone_goes_before_the_browsers_own(browse, standin):
    browser = browse(CLARA)
    browser.cookies.set("portal_zone", "Europe/Berlin")
    page = (await browser.get(PAGE)).text
    answer = await browser.post(PAGE, data={**hidden(page), "language": "en", "zone": "Asia/Tokyo"})
    assert standin.written == []
    assert 'value="Asia/Tokyo" selected' in (await browser.get(PAGE)).text
    assert "portal_chosen_zone=Asia/Tokyo" in answer.headers["set-cookie"].replace("%2F", "/").replace('"', "")
    await browser.post(PAGE, data={**hidden(page), "language": "en", "zone": ""})
    assert 'value="Asia/Tokyo" selected' not in (await browser.get(PAGE)).text


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 400])
async def test_a_zone_that_nobody_knows_is_none(browse, zone):
    browser = browse(ANNA)
    page = (await browser.get(PAGE)).text
    assert (await browser.post(PAGE, data={**hidden(page), "language": "en", "zone": zone})).status_code == 303
    assert zone not in (await browser.get(PAGE)).text


async def test_what_is_refused_is_said_and_nothing_is_lost(browse, standin):
    standin.say("/people/me", 422, "invalid", "Not right.", errors=[{"field": "language", "message": "Not this one."}])
    page = await browse(ANNA).post(PAGE, data={"language": "de", "zone": "Asia/Tokyo"})
    assert page.status_code == 422
    assert "Not this one." in page.text
    assert 'value="Asia/Tokyo" selected' in page.text


async def test_the_menu_leads_there(browse):
    page = (await browse(ANNA).get("/profile")).text
    menu = [page.index(f'class="menu-item" href="{path}"') for path in ("/profile", PAGE, "/security")]
    assert menu == sorted(menu)
    assert menu[-1] < page.index("Log out")
