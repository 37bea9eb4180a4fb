"""The guide under Help: who reads which chapter, in which language, and how pages lead there."""

import re

import pytest
from msgspec.structs import replace

from services.portal.help.guide import Guide
from tests.portal.people import ANNA, CLARA, JONAS, NOBODY
from tests.portal.standin import ACME
from tests.portal.test_view_as import VIEWING

EVERYBODY, CLIENTS, STAFF = "signing-in", "projects", "clients"


def chapters(page: str) -> set[str]:
    """Those that a page leads to, but for what its text mentions."""
    return set(re.findall(r'href="/help/([a-z-]+)\?', re.sub(r"<article.*?</article>", "", page, flags=re.DOTALL)))


@pytest.mark.parametrize(
    ("who", "read"),
    [
        (NOBODY, {EVERYBODY}),
        (ANNA, {EVERYBODY, CLIENTS}),
        (VIEWING, {EVERYBODY, CLIENTS}),
        (JONAS, {EVERYBODY, CLIENTS, STAFF}),
    ],
)
async def test_each_reads_the_chapters_that_are_for_them(browse, who, read):
    refused = 303 if who is NOBODY else 404
    for name in (EVERYBODY, CLIENTS, STAFF, "no-such-chapter", "contents"):
        answer = await browse(who).get(f"/help/{name}")
        assert (name, answer.status_code) == (name, 200 if name in read else refused)
        if name in read:
            assert chapters(answer.text) & {EVERYBODY, CLIENTS, STAFF} == read
    assert chapters((await browse(who).get("/help")).text) & {EVERYBODY, CLIENTS, STAFF} == read


async def test_a_client_does_not_read_of_a_module_that_is_closed_for_it(browse):
    closed = replace(ANNA, closed=frozenset({"activity"}))
    assert (await browse(closed).get("/help/activity")).status_code == 404
    assert {"activity", "projects"} & chapters((await browse(closed).get("/help")).text) == {"projects"}


async def test_the_guide_is_in_the_language_of_its_reader(browse):
    """The gateway says it in this header, of whoever has signed in too."""
    german = (await browse(ANNA).get("/help/security", headers={"Accept-Language": "de"})).text
    assert 'guide-text" lang="de">' in german
    assert '<h1><span lang="de">Sicherheit</span></h1>' in german
    assert "<strong>Passwort speichern</strong>" in german
    assert 'href="/help/security?language=de" lang="de" hreflang="de" aria-current="true">Deutsch</a>' in german
    english = (await browse(ANNA).get("/help/security?language=en")).text
    assert 'guide-text" lang="en">' in english
    assert set(re.findall(r'href="/help[^"]*language=(..)"', english)) == {"en", "de"}
    assert english.count("language=de") == 1  # the switch; every other link stays in the language that was chosen


async def test_what_is_chosen_goes_before_the_browser_and_nonsense_does_not(browse):
    for asked, accepted, shown in [
        ("", "de-AT,en;q=0.5", "de"),
        ("?language=en", "de", "en"),
        ("?language=xx", "de", "de"),
    ]:
        page = (await browse().get(f"/help/signing-in{asked}", headers={"Accept-Language": accepted})).text
        assert f'guide-text" lang="{shown}">' in page
        assert page.count("<h1") == 1


async def test_where_the_person_cannot_be_asked_the_browser_is(browse, standin):
    standin.refuse("/auth/me", 503)
    page = await browse(ANNA).get("/help", headers={"Accept-Language": "de"})
    assert (page.status_code, '<span lang="de">Hilfe</span>' in page.text) == (200, True)


async def test_the_search_finds_chapters_by_all_of_their_words(browse):
    browser = browse(CLARA)
    assert chapters((await browser.get("/help?language=en&q=Recovery+CODES")).text) == {"signing-in", "security"}
    assert "signing-in" in chapters((await browser.get("/help?language=de&q=wiederherstellungscode")).text)
    for written in ("Aktivität", "Aktivita\u0308t", "AKTIVITAT", "aktivitaet"):
        assert "activity" in chapters((await browser.get("/help", params={"language": "de", "q": written})).text)
    none = (await browser.get("/help?language=de", params={"language": "de", "q": '"><b>&'})).text
    assert "Kein Kapitel gefunden" in none
    assert "<b>" not in none
    assert (await browser.get("/help", params={"q": "x" * 101})).status_code == 400


async def test_a_page_leads_to_the_chapter_that_its_reader_may_read(browse):
    def offered(page: str) -> list[str]:
        return re.findall(r'class="help-link" href="/help/([a-z-]+)"', page)

    assert offered((await browse(ANNA).get("/projects")).text) == ["projects"]
    assert offered((await browse(CLARA).get("/projects")).text) == ["managing-projects"]
    assert offered((await browse(CLARA).get(f"/clients/{ACME}/access")).text) == ["client-access"]
    assert offered((await browse(ANNA).get("/help")).text) == []
    assert 'href="/help">' in (await browse(ANNA).get("/")).text
    assert 'href="/help/signing-in">Help</a>' in (await browse().get("/sign-in")).text


async def test_pictures_are_kept_for_ever_and_have_their_size(browse, web):
    page = (await browse().get("/help/signing-in")).text
    shown = re.findall(r'<img src="(/static/[^"]+)" alt="[^"]+" width="(\d+)" height="(\d+)" loading="lazy"', page)
    assert len(shown) == page.count("<img")
    assert shown
    picture = await browse().get(shown[0][0])
    assert picture.headers["Content-Type"] == "image/webp"
    assert picture.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_guide_with_a_gap_does_not_start(tmp_path):
    """A chapter that is not there, a picture that nobody took, a link that leads nowhere."""
    (tmp_path / "contents.toml").write_text('[[part]]\nreaders = "staff"\nen = "A"\nde = "A"\nchapters = ["one"]')
    for language in ("en", "de"):
        (tmp_path / language).mkdir()
    with pytest.raises(FileNotFoundError):
        Guide(str, tmp_path)
    for text, refusal in [
        ("# One\n\nA [link](two.md).", KeyError),
        ("# One\n\n![A](../pictures/no-such-picture.webp)", FileNotFoundError),
        ("No title.", ValueError),
    ]:
        for language in ("en", "de"):
            (tmp_path / language / "one.md").write_text(text)
        with pytest.raises(refusal):
            Guide(str, tmp_path)


def test_html_in_a_chapter_is_text_and_a_link_runs_nothing(tmp_path):
    (tmp_path / "contents.toml").write_text('[[part]]\nreaders = "staff"\nen = "A"\nde = "A"\nchapters = ["one"]')
    for language in ("en", "de"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "one.md").write_text('# One\n\n<script>x</script> [a](javascript:x) [b](/c"d)')
    (part,) = Guide(str, tmp_path).offered(CLARA, "en")
    body = part.chapters[0].texts["en"].body
    assert "<script" not in body
    assert 'href="javascript' not in body
    assert '<a href="/c%22d">' in body
