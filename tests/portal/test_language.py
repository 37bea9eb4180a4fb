"""Pages in the language of their reader: what a template says, and what stands inside it."""

from typing import Any

import pytest
from litestar import Litestar

from shared.language import speaking
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
