"""How the company looks: what everybody sees, and the draft that staff try."""

import base64
import re
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from services.portal.branding import Brand
from tests.portal.gallery import INDIGO, OLIVE
from tests.portal.people import ANNA, CLARA, JONAS, NOBODY
from tests.portal.standin import uid
from tests.portal.test_profile import hidden
from tests.portal.test_project_forms import typed

CHOSEN = {
    "name": "Nordwind <b>",
    "logo_id": uid(600),
    "logo_ground": "light",
    "icon_id": None,
    "palettes": {"light": OLIVE, "dark": INDIGO},
    "texts": {
        "en": {"welcome": "Good to <see> you.", "ask": {"id": uid(64), "name": "Jonas Weber", "email": "j@n.example"}}
    },
}


@pytest.fixture
def looks(web):
    """Has the portal look like something else, until the test ends."""
    yield lambda **brand: web.state.branding.show(Brand(**brand))
    web.state.branding.show(Brand(name="Northwind Studio"))


async def publish(web, standin):
    """Everybody sees `CHOSEN`, as the portal learns it."""
    standin.state["brand"] = CHOSEN
    await web.state.branding.ask(web.state.http, standin.url)


async def test_every_page_shows_what_was_published(browse, web, standin, looks):
    await publish(web, standin)
    for page in (
        (await browse().get("/sign-in")).text,
        (await browse(ANNA).get("/")).text,
        (await browse(ANNA).get("/x")).text,
    ):
        assert (
            f'<img class="brand-logo on-light" src="/api/client-portal/brand/images/{uid(600)}" alt="Nordwind &lt;b&gt;">'
            in page
        )
        assert re.search(r"<title>[^<]+ · Nordwind &lt;b&gt;</title>", page)
        sheet, icon = re.findall(r'href="(/static/brand/[^"]+)"', page)
        assert "--accent:light-dark(#988e18,#4338ca);" in (await browse().get(sheet)).text
        assert 'fill="#988e18"' in (await browse().get(icon)).text
    page = (await browse().get("/sign-in")).text
    assert "Good to &lt;see&gt; you." in page
    assert '<a href="mailto:j@n.example">' in page


async def test_where_nothing_was_chosen_the_design_has_its_own_colours(browse):
    page = (await browse().get("/sign-in")).text
    assert "colours.css" not in page
    icon = re.findall(r'<link rel="icon" href="([^"]+)"', page)[0]
    answer = await browse().get(icon)
    assert (answer.headers["content-type"].partition(";")[0], ">NS</text>" in answer.text) == ("image/svg+xml", True)
    assert "immutable" in answer.headers["cache-control"]
    older = await browse().get("/static/brand/of-yesterday/icon.svg")
    assert older.headers["cache-control"] == "no-cache"


async def test_what_cannot_be_read_changes_nothing(browse, web, standin, looks):
    """No colour that is none stands in a style sheet, and no answer leaves pages as they are."""
    await publish(web, standin)
    red = {"light": {**OLIVE, "accent": "red;"}, "dark": OLIVE}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**CHOSEN, "palettes": red}, Brand)
    standin.refuse("/brand", 500)
    await web.state.branding.ask(web.state.http, standin.url)
    assert "Nordwind" in (await browse().get("/sign-in")).text


async def test_a_draft_is_saved_as_what_changed(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get("/brand")).text)
    form = {
        **opened,
        "name": "Nordwind",
        "accent": "#FFEE00",
        "accent_dark": "",
        "welcome_en": "Hello",
        "ask_en": uid(64),
    }
    answer = await browser.post("/brand", data=form)
    assert answer.headers["location"] == "/brand"
    texts = {"en": {"welcome": "Hello", "ask": uid(64)}}
    assert standin.written == [("PATCH", "/brand/draft", {"accent": "#ffee00", "name": "Nordwind", "texts": texts})]
    assert standin.calls[-1].headers["if-match"] == '"4"'


async def test_who_was_slower_reads_what_the_other_changed_and_loses_nothing(browse, standin):
    browser, path = browse(CLARA), 'action="/brand" '
    opened = typed((await browser.get("/brand")).text, path)
    theirs = {"welcome": "Welcome here", "ask": {"id": uid(64), "name": "Jonas Weber"}}
    standin.state["draft"] |= {"name": "Nordwind", "texts": {"en": theirs}, "version": 5}
    page = await browser.post("/brand", data=opened | {"name": "Nordlicht", "accent": "#005f5f"})
    assert (page.status_code, "saved this" in page.text) == (412, True)
    assert [words in page.text for words in ("you entered something else", "Welcome here", "Jonas Weber")] == [True] * 3
    assert standin.state["draft"]["name"] == "Nordwind"
    assert (await browser.post("/brand", data=typed(page.text, path))).status_code == 303
    assert standin.written[-1] == ("PATCH", "/brand/draft", {"name": "Nordlicht", "accent": "#005f5f"})


async def test_another_logo_meanwhile_is_nobodys_decision_about_words(browse, standin):
    browser = browse(CLARA)
    opened = typed((await browser.get("/brand")).text, 'action="/brand" ')
    standin.state["draft"] |= {"logo_id": uid(600), "version": 5}
    assert (await browser.post("/brand", data=opened | {"name": "Nordlicht"})).status_code == 303
    assert standin.state["draft"]["name"] == "Nordlicht"


async def test_whom_to_ask_is_found_among_all_of_the_staff(browse, standin):
    jonas, wanted, path = standin.person(uid(64)), uid(40_149), 'action="/brand" '
    standin.state["people"] += [{**jonas, "id": uid(40_000 + n), "name": f"Person {n:03}"} for n in range(150)]
    browser = browse(CLARA)
    page = (await browser.get("/brand")).text
    assert ("There are more. Type to find them." in page, wanted in page) == (True, False)
    found = await browser.post("/brand", data=typed(page, path) | {"name": "Nordwind", "find-ask_de": "Person 149"})
    assert (found.status_code, standin.written) == (200, []), "a search saves nothing"
    ready = typed(found.text, path) | {"ask_de": wanted}
    await browser.post("/brand", data=ready)
    texts = {"de": {"welcome": "", "ask": wanted}}
    assert standin.written[-1] == ("PATCH", "/brand/draft", {"name": "Nordwind", "texts": texts})


async def test_a_colour_that_is_not_seen_is_offered_with_the_nearest_that_is(browse, standin):
    faint = {"passes": False, "ratio": 1.07, "nearest": "#988e18"}
    standin.state["draft"] |= {"accent": "#ffee00", "changed": ["accent"]}
    standin.state["draft"]["contrast"] = {"light": faint, "dark": {**faint, "passes": True}}
    browser = browse(CLARA)
    page = (await browser.get("/brand")).text
    assert "1.07 to 1" in page
    assert "Take #988e18" in page
    await browser.post("/brand/nearest", data=hidden(page) | {"theme": "light"})
    assert standin.written == [("PATCH", "/brand/draft", {"accent": "#988e18"})]


async def test_what_is_published_is_seen_at_once(browse, standin, looks):
    standin.state["draft"] |= {"name": "Nordwind", "changed": ["name"]}
    browser = browse(CLARA)
    page = (await browser.get("/brand")).text
    assert "Not published yet" in page
    assert "Northwind Studio</span>" in page
    await browser.post("/brand/publish", data=hidden(page))
    assert "Nordwind" in (await browse().get("/sign-in")).text


async def test_discarding_asks_first(browse, standin):
    standin.state["draft"] |= {"name": "Nordwind", "changed": ["name"]}
    browser = browse(CLARA)
    page = (await browser.get("/brand")).text
    assert ('href="/brand/discard"' in page, 'action="/brand/discard"' in page) == (True, False)
    asked = (await browser.get("/brand/discard", headers={"HX-Request": "true"})).text
    assert ("Discard the draft?" in asked, "<html" in asked, standin.written) == (True, False, [])
    assert (await browser.post("/brand/discard", data=hidden(asked))).headers["location"] == "/brand"
    assert standin.written[-1][:2] == ("DELETE", "/brand/draft")


async def test_a_preview_shows_the_draft_and_nothing_else_does(browse, standin):
    standin.state["draft"] |= {"name": "Nordwind", "logo_id": uid(600)}
    browser = browse(CLARA)
    page = (await browser.get("/brand/preview")).text
    assert f'src="/api/client-portal/brand/images/{uid(600)}" alt="Nordwind"' in page
    assert ' is-preview"' in page
    assert ":root.is-preview{--accent:light-dark(#4338ca,#4338ca);" in (await browser.get("/brand/colours.css")).text
    assert "Nordwind" not in (await browse().get("/sign-in")).text


async def test_refusals_are_said_where_they_belong(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get("/brand")).text)
    words = "This colour can hardly be seen on light pages. The nearest that can is #988e18."
    standin.say("/brand/publish", 422, "brand.accent", words, errors=[{"field": "accent", "message": words}])
    page = await browser.post("/brand/publish", data=opened)
    assert (page.status_code, words in page.text) == (422, True)
    standin.say(
        "/brand/draft/logo", 422, "picture.refused", "No.", errors=[{"field": "image", "message": "No picture."}]
    )
    page = await browser.post("/brand/logo", files={"image": ("logo.svg", b"<svg/>", "image/svg+xml")})
    assert (page.status_code, "No picture." in page.text) == (422, True)
    assert standin.written[-1][2] == {"image": base64.b64encode(b"<svg/>").decode()}


@pytest.mark.parametrize("who", [ANNA, JONAS, replace(CLARA, policies=CLARA.policies - {"manageBrand"})])
async def test_it_is_for_those_who_manage_it(browse, who):
    browser = browse(who)
    assert (await browser.get("/brand")).status_code == 403
    assert 'href="/brand"' not in (await browser.get("/")).text
    assert (await browse(NOBODY).get("/brand")).status_code == 303


def test_no_template_keeps_the_name_of_yesterday(web, looks):
    """What others import is made once, and shows the brand of now."""
    source = '{% import "dashboard/asked.html" as asked %}{{ asked.people(ask) }}'
    template = web.template_engine.engine.from_string(source)
    page = SimpleNamespace(language="en")
    for name in ("Northwind Studio", "Nordwind"):
        looks(name=name)
        ask = {"contacts": [], "company": {"name": "Jonas Weber", "email": "j@n.example", "phone": ""}}
        assert f"Your contact at {name}" in template.render(page=page, ask=ask)
