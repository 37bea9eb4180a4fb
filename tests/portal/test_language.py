"""Pages in the language of their reader: what a template says, and what stands inside it."""

import re
from calendar import day_name, month_abbr, month_name
from html.parser import HTMLParser
from typing import Any

import pytest
from litestar import Litestar

from services.portal.formats import zones
from services.portal.help.guide import LANGUAGES
from shared import language
from shared.actor import Actor
from shared.language import speaking
from tests.architecture.test_chapters import offering
from tests.architecture.test_said import READ_OUT
from tests.portal.addressbook import SABINE
from tests.portal.conftest import Browse
from tests.portal.hooks import TILL_ID
from tests.portal.office import Office
from tests.portal.people import ANNA, CLARA, JONAS, MIA, NOBODY
from tests.portal.standin import ACME, uid
from tests.portal.systems import ERP_ID
from tests.pseudo import LANGUAGE, plain_words, pseudo

NAMED = "<i>שלום</i>"
"""A name that would write markup, and that is read from the right."""
SHOWN = "\u2068&lt;i&gt;שלום&lt;/i&gt;\u2069"


@pytest.fixture
def rendered(web: Litestar) -> Any:
    """`rendered("{{ ... }}", name=...)`: what a template with this source shows."""
    environment = web.template_engine.engine  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]

    def render(source: str, **context: object) -> str:
        return environment.from_string(source).render(page=None, **context)

    return render


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('{{ _("Remove {name}", name=name) }}', f"Remove {SHOWN}"),
        ("{% trans %}Remove <b>{{ name }}</b>{% endtrans %}", f"Remove <b>{SHOWN}</b>"),
        ("{% trans count=2 %}one{% pluralize %}{{ count }} of {{ name }}{% endtrans %}", f"2 of {SHOWN}"),
        ("{% trans %}\n  50 %\n  &amp; more\n{% endtrans %}", "50 % &amp; more"),
        ("{{ _(name) }}", "&lt;i&gt;שלום&lt;/i&gt;"),
        ("""<p title="{{ _('Say "yes"') }}">""", '<p title="Say &#34;yes&#34;">'),
    ],
)
def test_a_text_keeps_its_markup_and_what_it_names_has_none(rendered: Any, source: str, shown: str) -> None:
    assert rendered(source, name=NAMED) == shown


def test_a_template_speaks_the_language_of_the_page(rendered: Any) -> None:
    source = "{{ _('Save') }} {% trans %}Ask <b>{{ name }}</b>{% endtrans %}"
    with speaking(LANGUAGE):
        assert rendered(source, name="Eve") == f"{pseudo('Save')} {pseudo('Ask <b>%(name)s</b>') % {'name': 'Eve'}}"
    assert rendered(source, name="Eve") == "Save Ask <b>Eve</b>"


@pytest.mark.parametrize("spoken", LANGUAGES)
async def test_a_page_says_in_which_language_it_is(browse: Browse, standin: Office, spoken: str) -> None:
    """As the gateway asks for it, and asks the services for the same; no cache gives it to who reads another one."""
    page = await browse(ANNA).get("/", headers={"Accept-Language": f"{spoken}, fr;q=0.5"})
    assert f'<html lang="{spoken}"' in page.text
    assert page.headers["Content-Language"] == spoken
    assert {"HX-Request", "Accept-Language"} <= set(re.split(", *", page.headers["Vary"]))
    assert page.headers["Cache-Control"] == "no-store"
    assert {call.headers["Accept-Language"] for call in standin.calls} == {spoken}


async def test_one_page_is_english_and_the_next_is_german(browse: Browse) -> None:
    """Nothing that a template keeps for the next page is kept in a language."""
    anna = browse(ANNA)
    shown = [(await anna.get("/projects", headers={"Accept-Language": each})).text for each in ("de", "en", "de", "en")]
    for text in shown:
        assert ("Im Plan" in text, "On track" in text) == ('<html lang="de"' in text, '<html lang="en"' in text)
    assert shown[0].count("Im Plan") == shown[2].count("Im Plan") == shown[1].count("On track") > 0


IDS = {
    "client_id": ACME,
    "project_id": uid(1),
    "person_id": str(JONAS.id),
    "contact_id": SABINE,
    "api_client_id": ERP_ID,
    "webhook_id": TILL_ID,
}
"""What stands in the address of a page; a page of anything else says that it is not found."""
NOT_OURS = re.compile(
    "UTC|[A-Z]{2}|"
    + "|".join(
        [*month_name[1:], *month_abbr[1:], *day_name, *(part for _, city in zones() for part in plain_words(city))]
    )
)
"""Words that no template has: of dates and time zones, and initials."""


class Spoken(HTMLParser):
    """What a page says: between its tags, in attributes that are read out, and by its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(re.sub("<code.*?</code>", "", page, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        by_scripts = any(name == "data-words" for name, _ in attrs)
        self.found += [value for name, value in attrs if value and (name in READ_OUT or by_scripts)]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.mark.parametrize("who", [NOBODY, MIA, ANNA, CLARA], ids=lambda who: who.name or "nobody")
async def test_every_page_is_said_in_the_language_of_its_reader(
    browse: Browse, standin: Office, monkeypatch: pytest.MonkeyPatch, who: Actor
) -> None:
    """In one that is made of English when it is said: what is plain in it was said past the catalogue."""
    monkeypatch.setattr(language, "choose", lambda *_: LANGUAGE)
    browser, shown, plain = browse(who), 0, set[tuple[str, str]]()
    for route in offering():
        path = re.sub(r"\{(\w+):\w+\}", lambda found: IDS.get(found[1], uid(1)), route)
        page = await browser.get(path)
        if page.headers.get("Content-Language") is None:
            continue  # a redirect
        assert page.headers["Content-Language"] == LANGUAGE
        shown += page.status_code == 200
        names = set(plain_words(" ".join([*standin.answers, who.reader.name, "Northwind Studio"])))
        said = {
            word for text in Spoken(page.text).found for word in plain_words(re.sub(r"\{\w+\}|https://\S+", "", text))
        }
        plain |= {(word, path) for word in said - names if not NOT_OURS.fullmatch(word)}
    assert sorted(plain) == []
    assert shown > (3 if who in (NOBODY, MIA) else 20)
