"""A form that makes something is sent once, however often the button is pressed: its token is an `Idempotency-Key`."""

import re
from pathlib import Path

from tests.portal.people import CLARA
from tests.portal.standin import ACME
from tests.portal.test_project_forms import typed

PAGES = Path("services/portal")


async def test_each_showing_of_a_form_has_a_token_of_its_own_and_sends_it_along(browse, standin):
    browser = browse(CLARA)
    first, second = [typed((await browser.get("/clients/new")).text) for _ in range(2)]
    assert first["once"] != second["once"]
    form = first | {"name": "Cedar", "variant": "delivery"}
    for _ in range(2):
        assert (await browser.post("/clients/new", data=form)).status_code == 303
        assert standin.calls[-1].headers["Idempotency-Key"] == first["once"]
        assert "once" not in standin.written[-1][2]


async def test_what_is_no_token_is_not_passed_on(browse, standin):
    await browse(CLARA).post("/clients/new", data={"name": "Cedar", "variant": "delivery", "once": "x\r\ny: z"})
    assert "Idempotency-Key" not in standin.calls[-1].headers
    assert standin.written[-1][2]["name"] == "Cedar"


async def test_the_token_of_a_dialog_too(browse):
    page = (await browse(CLARA).get("/invitations/bulk", params={"client_id": ACME})).text
    assert 'name="once"' in page


def test_every_form_that_makes_something_has_one():
    """The pages that answer below `/new`, and what is made by one button."""
    forms = [
        form
        for page in PAGES.rglob("*.html")
        for form in re.findall(r'<form [^>]*method="post".*?</form>', page.read_text(), re.DOTALL)
    ]
    making = [form for form in forms if re.match(r'<form [^>]*action="[^"]*(/new|/bulk|/test|/reset-link)"', form)]
    assert len(making) >= 11
    assert [form[:120] for form in making if "forms.once()" not in form and "data-passkeys" not in form] == []


async def test_one_that_was_sent_before_with_other_entries_says_so_in_words_for_people(browse, standin):
    standin.say("/clients", 422, "idempotency.key_reused", "This Idempotency-Key was sent with another request.")
    page = await browse(CLARA).post("/clients/new", data={"name": "Birch", "variant": "delivery", "once": ACME})
    assert page.status_code == 422
    assert "This form was sent before, with other entries." in page.text
    assert "Idempotency" not in page.text
