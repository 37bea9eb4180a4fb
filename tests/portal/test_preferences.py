"""Settings: one's language, how one is notified, and what this browser keeps: the time zone."""

import re

import pytest
from msgspec.structs import replace

from services.portal.formats import zones
from shared.actor import Reader
from shared.language import speaking
from tests.portal.people import ANNA, CLARA
from tests.portal.test_profile import hidden

PAGE = "/settings"
CHANNELS = "/settings/notifications"
CHOICES = "/notifications/choices"


def form_of(page: str, path: str) -> dict[str, str]:
    """What a form of the page sends as it stands there."""
    [form] = re.findall(rf'<form[^>]* action="{path}".*?</form>', page, re.DOTALL)
    selects = re.findall(r'<select[^>]* name="([^"]+)".*?<option value="([^"]*)" selected', form, re.DOTALL)
    return hidden(form) | dict(selects)


async def test_the_language_is_chosen_and_says_at_once_that_it_is(browse, standin):
    browser = browse(ANNA)
    page = (await browser.get(PAGE)).text
    await browser.post(PAGE, data={**form_of(page, PAGE), "language": "de", "zone": ""})
    assert standin.written == [("PATCH", "/people/me", {"language": "de"})]
    page = (await browser.get(PAGE)).text
    assert '<option value="de" selected>' in page
    assert "Ihre Einstellungen sind gespeichert" in page


async def test_a_chosen_zone_goes_before_the_browsers_own(browse, standin):
    browser = browse(CLARA)
    browser.cookies.set("portal_zone", "Europe/Berlin")
    page = (await browser.get(PAGE)).text
    answer = await browser.post(PAGE, data={**form_of(page, PAGE), "language": "en", "zone": "Asia/Tokyo"})
    assert standin.written == []
    assert 'value="Asia/Tokyo" selected' in (await browser.get(PAGE)).text
    assert "portal_chosen_zone=Asia/Tokyo" in answer.headers["set-cookie"].replace("%2F", "/").replace('"', "")
    await browser.post(PAGE, data={**form_of(page, PAGE), "language": "en", "zone": ""})
    assert 'value="Asia/Tokyo" selected' not in (await browser.get(PAGE)).text


def options(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]+)"', page)


async def test_each_zone_is_offered_by_one_name_and_an_older_one_is_kept(browse, standin):
    browser = browse(CLARA)
    offered = options((await browser.get(PAGE)).text)
    assert {"Asia/Kolkata", "Europe/Kyiv", "America/Indiana/Knox", "UTC"} <= {*offered}
    assert not {"Asia/Calcutta", "Europe/Kiev", "America/Knox_IN", "US/Pacific", "Etc/UTC"} & {*offered}
    browser.cookies.set("portal_chosen_zone", "Asia/Calcutta")
    page = (await browser.get(PAGE)).text
    assert form_of(page, PAGE)["zone"] == "Asia/Calcutta"
    assert [each for each in options(page) if each != "Asia/Calcutta"] == offered, "the others keep their order"
    answer = await browser.post(PAGE, data=form_of(page, PAGE))
    assert "portal_chosen_zone=Asia/Calcutta" in answer.headers["set-cookie"].replace("%2F", "/").replace('"', "")


async def test_zones_are_cities_in_the_readers_language_from_west_to_east(browse, standin):
    browser = browse(CLARA)
    page = (await browser.get(PAGE)).text
    named = dict(re.findall(r'<option value="([^"]+)"[^>]*>(UTC[^<]+)', page))
    assert (named["Asia/Kolkata"], named["UTC"]) == ("UTC+05:30 Kolkata", "UTC+00:00 UTC")
    assert (named["Asia/Tokyo"], named["America/Phoenix"]) == ("UTC+09:00 Tokyo", "UTC-07:00 Phoenix")
    hours = [float(each[3:6]) + float(each[3] + each[7:9]) / 60 for each in named.values()]
    assert hours == sorted(hours)
    with speaking("de"):
        assert dict(zones())["Asia/Tokyo"] == "UTC+09:00 Tokio"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 400])
async def test_a_zone_that_nobody_knows_is_none(browse, zone):
    browser = browse(ANNA)
    page = (await browser.get(PAGE)).text
    assert (await browser.post(PAGE, data={**form_of(page, PAGE), "language": "en", "zone": zone})).status_code == 303
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


@pytest.mark.parametrize("who", [ANNA, CLARA], ids=["client", "staff"])
async def test_everybody_chooses_how_they_are_notified_of_what_they_may_choose_for(browse, standin, who):
    browser = browse(who)
    page = (await browser.get(PAGE)).text
    opened = form_of(page, CHANNELS)
    chosen = {name: value for name, value in opened.items() if name.startswith("channel-")}
    assert chosen == {"channel-project_created": "bell_and_mail", "channel-milestone_completed": "bell"}
    assert "Somebody has to act." in page
    answer = await browser.post(CHANNELS, data={**opened, "channel-milestone_completed": "none"})
    assert answer.headers["location"] == "/settings#notifications"
    assert standin.written == [("PATCH", CHOICES, {"channels": {"milestone_completed": "none"}})]
    [asked] = [call for call in standin.calls if call.method == "PATCH"]
    assert asked.headers["If-Match"] == '"3"'
    page = (await browser.get(PAGE)).text
    assert "Your choices are saved" in page
    assert form_of(page, CHANNELS)["channel-milestone_completed"] == "none"


async def test_nothing_chosen_anew_is_nothing_sent(browse, standin):
    browser = browse(ANNA)
    opened = form_of((await browser.get(PAGE)).text, CHANNELS)
    assert (await browser.post(CHANNELS, data=opened)).status_code == 303
    assert standin.written == []


async def test_what_was_chosen_in_another_tab_meanwhile_is_said_and_taken_over(browse, standin):
    browser = browse(ANNA)
    opened = form_of((await browser.get(PAGE)).text, CHANNELS)
    standin.choose(project_created="none")
    page = await browser.post(CHANNELS, data={**opened, "channel-milestone_completed": "bell_and_mail"})
    assert page.status_code == 412
    assert "You saved this while you had it open" in page.text
    said = re.findall(r"<dt>(.*?):</dt> <dd>(.*?) <span", page.text)
    assert said == [("A project was shared with you", "Not at all")]
    again = form_of(page.text, CHANNELS)
    assert (again["channel-project_created"], again["channel-milestone_completed"]) == ("none", "bell_and_mail")
    assert (await browser.post(CHANNELS, data=again)).status_code == 303
    assert standin.written[-1] == ("PATCH", CHOICES, {"channels": {"milestone_completed": "bell_and_mail"}})


async def test_a_form_that_was_sent_twice_is_saved(browse, standin):
    browser = browse(ANNA)
    opened = form_of((await browser.get(PAGE)).text, CHANNELS)
    for _ in range(2):
        answer = await browser.post(CHANNELS, data={**opened, "channel-milestone_completed": "none"})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/settings#notifications")
    assert "Your choices are saved" in (await browser.get(PAGE)).text


async def test_the_other_settings_are_there_while_notifications_do_not_answer(browse, standin):
    standin.refuse("/notifications", 503)
    browser = browse(ANNA)
    page = await browser.get(PAGE)
    assert page.status_code == 200
    assert "This part of the portal is not answering right now." in page.text
    assert "Save notifications" not in page.text
    assert form_of(page.text, PAGE)["language"] == "en"
    typed = {"opened": "", "version": "3", "channel-milestone_completed": "none"}
    assert (await browser.post(CHANNELS, data=typed)).status_code == 503


async def test_a_refusal_is_said_beside_what_was_chosen(browse, standin):
    standin.say(CHOICES, 422, "choice.kind", "You are not notified of this.")
    browser = browse(ANNA)
    opened = form_of((await browser.get(PAGE)).text, CHANNELS)
    page = await browser.post(CHANNELS, data={**opened, "channel-milestone_completed": "none"})
    assert page.status_code == 422
    assert "You are not notified of this." in page.text
    assert form_of(page.text, CHANNELS)["channel-milestone_completed"] == "none"


async def test_who_looks_through_somebodys_eyes_reads_their_choices_and_chooses_nothing(browse):
    seen = replace(ANNA, id=CLARA.id, name=CLARA.name, read_only=True, seen_as=Reader(ANNA.id, ANNA.name))
    page = (await browse(seen).get(PAGE)).text
    assert '<option value="bell" selected>' in page
    assert "Save notifications" not in page
    assert f'action="{CHANNELS}"' not in page
