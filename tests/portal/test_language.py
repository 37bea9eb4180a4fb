"""Pages in the language of their reader: what a template says, and what stands inside it."""

import re
from typing import Any

import pytest
from litestar import Litestar

from services.portal.help.guide import LANGUAGES
from services.portal.toasts import TOAST_COOKIE, recall
from shared.language import speaking
from tests.portal.conftest import Browse
from tests.portal.office import Office
from tests.portal.people import ANNA
from tests.pseudo import LANGUAGE, pseudo

NAMED = "<i>שלום</i>"
"""A name that would write markup, and that is read from the right."""
SHOWN = "\u2068&lt;i&gt;שלום&lt;/i&gt;\u2069"


@pytest.fixture
def rendered(web: Litestar) -> Any:
    """`rendered("{{ ... }}", name=...)`: what a template with this source shows."""
    environment = web.template_engine.engine  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]

    def render(source: str, **context: object) -> str:
        return environment.from_string(source).render(context)

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


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_says_in_which_language_it_is(browse: Browse, standin: Office, language: str) -> None:
    """As the gateway asks for it, and asks the services for the same; no cache gives it to who reads another one."""
    page = await browse(ANNA).get("/", headers={"Accept-Language": f"{language}, fr;q=0.5"})
    assert f'<html lang="{language}"' in page.text
    assert page.headers["Content-Language"] == language
    assert {"HX-Request", "Accept-Language"} <= set(re.split(", *", page.headers["Vary"]))
    assert page.headers["Cache-Control"] == "no-store"
    assert {call.headers["Accept-Language"] for call in standin.calls} == {language}


async def test_one_page_is_english_and_the_next_is_german(browse: Browse) -> None:
    """Nothing that a template keeps for the next page is kept in a language."""
    anna = browse(ANNA)
    shown = [(await anna.get("/projects", headers={"Accept-Language": each})).text for each in ("de", "en", "de", "en")]
    for text in shown:
        assert ("Im Plan" in text, "On track" in text) == ('<html lang="de"' in text, '<html lang="en"' in text)
    assert shown[0].count("Im Plan") == shown[2].count("Im Plan") == shown[1].count("On track") > 0


async def test_who_chooses_a_language_reads_that_it_is_saved_in_it(browse: Browse) -> None:
    sent = await browse(ANNA).post("/preferences", data={"language": "de", "zone": ""})
    toast = recall(sent.cookies[TOAST_COOKIE])
    assert toast is not None
    assert toast.text == "Ihre Einstellungen sind gespeichert"
