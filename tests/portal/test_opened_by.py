"""Tabs of one browser share a session: a form is saved for whom it was opened, and for nobody else (0117)."""

import re
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from jinja2 import Environment
from litestar.routes import HTTPRoute

from services.portal.look import whose
from services.portal.templating import OpenedBy
from tests.portal.people import ANNA, CLARA, JONAS, MIA, NOBODY
from tests.portal.standin import ACME, BIRCH, uid
from tests.portal.test_kept_form import hidden
from tests.portal.test_organisations import ANNA_AT_BIRCH, both

ELSEWHERE = msgspec.structs.replace(ANNA, client_id=UUID(uid(4)))
AT_BIRCH = msgspec.structs.replace(ANNA, id=UUID(ANNA_AT_BIRCH), client_id=UUID(BIRCH))
NOTICE = '<a href="/kept-form">'
PAGES = Path("services/portal")


async def opened(browser, path):
    page = (await browser.get(path)).text
    return re.search(r'name="opened_by" value="(\w+)', page)[1]


async def send(browser, path, data):
    """As a browser sends it: 307 goes on with method and body."""
    answer = await browser.post(path, data=data)
    return await browser.post(answer.headers["Location"], data=data) if answer.status_code == 307 else answer


@pytest.mark.parametrize(
    ("path", "typed", "later"),
    [
        ("/profile", {"title": "Title of Jonas"}, CLARA),
        ("/security/email", {"email": "jonas.new@northwind.example"}, CLARA),
        ("/security/email", {"email": "jonas.new@northwind.example"}, MIA),
    ],
)
async def test_a_form_changes_nothing_of_another_account_and_waits_for_its_own(
    browse, back, standin, path, typed, later
):
    jonas = browse(JONAS)
    data = typed | {"opened_by": await opened(jonas, path)}
    before = len(standin.written)
    other = back(jonas, later)
    answer = await send(other, path, data)
    assert answer.status_code == 409
    assert next(iter(typed.values())) not in answer.text + str(other.cookies)
    assert len(standin.written) == before
    kept = await back(other, JONAS).get("/kept-form")
    assert typed.items() <= hidden(kept.text).items()


async def test_nor_of_another_organisation(browse, back, standin):
    anna = browse(ANNA)
    data = {"title": "Owner", "opened_by": await opened(anna, "/profile")}
    assert (await send(back(anna, ELSEWHERE), "/profile", data)).status_code == 409


async def test_a_form_of_another_of_ones_organisations_says_which_and_leads_there(browse, back, standin):
    """Nobody reads that their own form is somebody else's; from any page, there and here, they are led to it."""
    anna = browse(ANNA)
    page = (await anna.get("/profile")).text
    title = re.search('name="opened_by" value="([^"]+)', page)[1]
    assert title == f"{whose(ANNA)} Profile"
    both(standin, current=BIRCH)
    at_birch = back(anna, AT_BIRCH)
    refused = await send(at_birch, "/profile", {"title": "Owner", "phone": "+49 30 1", "opened_by": title})
    found = await at_birch.get("/kept-form")
    assert (refused.status_code, found.status_code) == (409, 200)
    switch = f'name="next" value="/kept-form"><button class="btn btn-primary btn-wide btn-named" name="client_id" value="{ACME}"'
    for answer in (refused, found):
        for words in ("This form belongs to Acme GmbH", "You are in Birch Ltd", "Profile", "Owner", switch):
            assert words in answer.text
    assert NOTICE in (await at_birch.get("/profile")).text
    assert NOTICE not in (await back(at_birch, JONAS).get("/profile")).text
    both(standin)
    here = back(at_birch, ANNA)
    assert "Open “Profile”" in (await here.get("/")).text
    kept = (await here.get("/kept-form")).text
    assert ("Profile" in kept, "Owner" in kept, hidden(kept)["title"]) == (True, True, "Owner")


async def test_the_other_organisation_may_be_closed_to_them_and_says_why(browse, back, standin):
    anna = browse(ANNA)
    data = {"title": "Owner", "opened_by": await opened(anna, "/profile")}
    both(standin, current=BIRCH)
    standin.state["organisations"][0]["obstacle"] = "method"
    refused = await send(back(anna, AT_BIRCH), "/profile", data)
    assert "does not accept the sign-in method you used" in refused.text
    assert 'action="/organisations/switch"' not in refused.text
    assert 'action="/sign-out"' in refused.text


async def test_what_is_too_long_for_the_other_organisation_is_shown_to_its_person_alone(browse, back, standin):
    noise = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(20000))
    anna = browse(ANNA)
    data = {"title": noise, "opened_by": await opened(anna, "/profile")}
    both(standin, current=BIRCH)
    answer = await send(back(anna, AT_BIRCH), "/profile", data)
    assert ("belongs to Acme GmbH" in answer.text, noise in answer.text) == (True, True)


async def test_it_waits_for_who_opened_it_whoever_was_signed_in_last(browse, back):
    jonas = browse(JONAS)
    data = {"title": "Title of Jonas", "opened_by": await opened(jonas, "/profile")}
    clara = back(jonas, CLARA)
    await clara.get("/")
    nobody = back(clara, NOBODY)
    await send(nobody, "/profile", data)
    assert "Title of Jonas" not in (await back(nobody, CLARA).get("/kept-form")).text
    assert "Title of Jonas" in (await back(nobody, JONAS).get("/kept-form")).text


async def test_who_signed_out_in_another_tab_finds_it_too(browse, back):
    jonas = browse(JONAS)
    data = {"title": "Title of Jonas", "opened_by": await opened(jonas, "/profile")}
    await jonas.post("/sign-out")
    nobody = back(jonas, NOBODY)
    answer = await send(nobody, "/profile", data)
    assert answer.headers["Location"] == "/sign-in?next=/kept-form&ended=1"
    assert "Title of Jonas" in (await back(nobody, JONAS).get("/kept-form")).text


async def test_ones_own_form_is_saved_in_a_new_session(browse, back, standin):
    clara = browse(CLARA)
    data = {"name": "Cedar", "variant": "delivery", "opened_by": await opened(clara, "/clients/new")}
    again = back(clara, msgspec.structs.replace(CLARA, session_id=UUID(uid(79))))
    assert (await again.post("/clients/new", data=data)).status_code == 303
    assert "opened_by" not in standin.written[-1][2]


async def test_signing_out_is_anybodys(browse, back):
    jonas = browse(JONAS)
    data = {"opened_by": await opened(jonas, "/profile")}
    assert (await back(jonas, CLARA).post("/sign-out", data=data)).headers["Location"] == "/sign-in"
    assert (await back(jonas, NOBODY).post("/sign-out", data=data)).headers["Location"] == "/sign-in"


async def test_a_form_that_names_nobody_changes_nothing_and_shows_nothing(browse, standin):
    jonas = browse(JONAS)
    before = len(standin.written)
    answer = await send(jonas, "/profile", {"title": "Title of Jonas", "opened_by": ""})
    assert (answer.status_code, len(standin.written)) == (409, before)
    assert "Title of Jonas" not in answer.text + str(jonas.cookies)
    assert "It does not say which account" in answer.text


def forms_sent(web, *, named):
    """The paths of all forms that change something, an id filled in: those that name somebody, and the others."""
    for route in web.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            free = handler.opt.get("public") or handler.opt.get("while_viewing") or handler.opt.get("internal")
            if "POST" in handler.http_methods and bool(free) != named:
                yield re.sub(r"{[^}]+}", uid(1), route.path_format)


async def test_every_form_of_every_page_is_refused_that_names_nobody(web, browse, standin):
    """Those of pages for whom nobody is signed in yet, and of what concerns the browser, are anybody's."""
    clara, anna = browse(CLARA), browse(ANNA)
    before = len(standin.written)
    paths = list(forms_sent(web, named=True))
    answers = {
        f"{path} by {who.opened_by[:4]}": await who.post(path, data={"opened_by": ""})
        for path in paths
        for who in (clara, anna)
    }
    wrong = {
        path: answer.status_code
        for path, answer in answers.items()
        if "/kept-form/keep" not in str(answer.headers.get("Location"))
    }
    assert (wrong, len(standin.written)) == ({}, before)
    assert len(paths) > 60
    free = {path.split("/")[1] for path in forms_sent(web, named=False)}
    assert free == {
        *("sign-in", "sign-out", "forgot-password", "reset-password", "register", "invitation", "verify-email"),
        *("confirm-email", "kept-form", "settings", "view-as"),
    }


async def test_a_form_that_was_opened_before_the_sign_in_is_anybodys(web, browse):
    """It names nobody, and says in itself whom it is about."""
    clara = browse(CLARA)
    answers = {path: await clara.post(path, data={"opened_by": ""}) for path in forms_sent(web, named=False)}
    assert [path for path, each in answers.items() if "/kept-form/keep" in str(each.headers.get("Location"))] == []


FORM = re.compile(r"<form\b(?:[^>{]|\{\{.*?\}\}|\{%.*?%\}|\{)*>", re.IGNORECASE | re.DOTALL)


def test_every_form_of_every_template_names_whose_it_is():
    extension, sent = OpenedBy(Environment(autoescape=True)), 0
    for page in PAGES.rglob("*.html"):
        source = extension.preprocess(page.read_text(), page.name)
        assert not re.search("formmethod", source, re.IGNORECASE), page
        for form in FORM.finditer(source):
            if re.search(r"\bmethod\s*=\s*['\"]?post", form[0], re.IGNORECASE):
                assert source.startswith("{{ page.opened_by }}", form.end()), (page, form[0])
                sent += 1
        assert len(FORM.findall(source)) == len(re.findall("<form", source, re.IGNORECASE)), page
    assert sent > 60


async def test_every_form_of_every_page_that_is_shown_names_its_reader(web, browse):
    seen = set()
    gets = {route.path_format for route in web.routes if isinstance(route, HTTPRoute) and "GET" in route.methods}
    for who in (CLARA, ANNA):
        browser = browse(who)
        for path in sorted(gets):
            page = await browser.get(re.sub(r"{[^}]+}", uid(1), path))
            for start, inside in re.findall(r"(<form\b[^>]*>)(.*?)</form>", page.text, re.DOTALL):
                if 'method="post"' in start:
                    assert f'name="opened_by" value="{whose(who)}' in inside, (path, start)
                    seen.add(re.search(r'action="([^"?]+)|$', start)[1] or path)
    assert len(seen) > 40, sorted(seen)


def test_nothing_is_sent_from_outside_a_form():
    """HTMX sends along the inputs of the form around, one of which is the name."""
    for page in PAGES.rglob("*.html"):
        outside = re.sub(
            r"<form\b.*?</form>|{% macro _?(in_place|find)\b.*?{%-? endmacro", "", page.read_text(), flags=re.DOTALL
        )
        assert "hx-post" not in outside, page
