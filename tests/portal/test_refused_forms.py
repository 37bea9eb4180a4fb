"""A form that is refused keeps what was typed: it is shown again, sent again, or waits for who opened it (0114)."""

import re
from html import unescape
from pathlib import Path

import msgspec
import pytest
from litestar._parsers import parse_url_encoded_form_data

from services.portal.forms import carried, parsed
from services.portal.look import whose
from tests.portal.people import CLARA, JONAS, NOBODY
from tests.portal.standin import ACME, uid
from tests.portal.test_kept_form import hidden
from tests.portal.test_opened_by import opened, send
from tests.portal.test_view_as import AS_MIA, VIEWING

TYPED = {"name": "Käthe & Söhne", "variant": "delivery"}
POWERLESS = msgspec.structs.replace(CLARA, policies=frozenset())
NOISE = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(20000))


@pytest.mark.parametrize("view", [VIEWING, AS_MIA], ids=["a client", "a person"])
async def test_a_view_that_began_in_another_tab_is_left_and_the_form_is_sent(browse, back, standin, view):
    clara = browse(CLARA)
    data = TYPED | {"opened_by": await opened(clara, "/clients/new")}
    viewing = back(clara, view)
    answer = await send(viewing, "/clients/new", data)
    assert (answer.status_code, standin.written) == (409, [])
    for page in (answer, await viewing.get("/kept-form")):
        assert 'action="/view-as/end?next=/kept-form"' in page.text
        assert "Käthe" not in page.text
    left = await viewing.post("/view-as/end?next=/kept-form")
    assert left.headers["Location"] == "/kept-form"
    assert hidden((await back(viewing, CLARA).get("/kept-form")).text) == TYPED


async def test_what_is_too_long_to_wait_is_shown_to_be_copied(browse, back):
    clara = browse(CLARA)
    data = {"scope": NOISE, "name": "Käthe", "opened_by": await opened(clara, "/projects/new")}
    answer = await send(back(clara, VIEWING), "/projects/new", data)
    assert [words in answer.text for words in (NOISE, "Käthe", "too long to be kept until you leave")] == [True] * 3


async def test_what_is_too_long_to_wait_is_shown_to_nobody_else(browse, back):
    clara = browse(CLARA)
    data = {"scope": NOISE, "name": "Käthe", "opened_by": await opened(clara, "/projects/new")}
    answer = await send(back(clara, JONAS), "/projects/new", data)
    assert (answer.status_code, NOISE in answer.text, "Käthe" in answer.text) == (409, False, False)


@pytest.mark.parametrize("again", [True, False], ids=["later", "never"])
async def test_a_refused_form_is_shown_and_sent_again_where_that_can_help(browse, standin, again):
    """The permission was lost; what the form is about is gone."""
    data = TYPED | {"once": uid(5), "opened": "name:0123456789abcdef", "version": "3", "client_id": ACME}
    if again:
        answer = await browse(POWERLESS).post("/clients/new?from=here", data=data)
    else:
        standin.refuse(f"/clients/{ACME}", 404)
        answer = await browse(CLARA).post(f"/clients/{ACME}/edit", data=data)
    assert answer.status_code == (403 if again else 404)
    assert "What you typed" in answer.text
    assert "readonly>Käthe &amp; Söhne</textarea>" in answer.text
    assert not [
        words for words in ("Opened", "Version", "Once", "Variant", "Client id") if f">{words}</label>" in answer.text
    ]
    assert ('action="/clients/new?from=here"' in answer.text) == again
    assert (data.items() <= hidden(answer.text).items()) == again


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_so_is_one_that_a_service_could_not_take(browse, standin, status):
    standin.refuse("/projects", status)
    path = f"/projects/{uid(1)}/edit"
    answer = await browse(CLARA).post(path, data={"opened": "", "name": "Käthe", "description": "Two\r\nlines"})
    assert [words in answer.text for words in ("Käthe", "Two\r\nlines", f'action="{path}"', "Send it again")] == [
        True
    ] * 4


def test_every_page_with_a_form_says_what_was_refused_as_a_whole():
    """What belongs to no field of a form stands above it: no template shows the fields of one without its summary."""
    pages = {page: page.read_text() for page in Path("services/portal").rglob("*.html")}
    silent = {
        str(page): fields - set(re.findall(r"forms\.summary\((\w+)", text))
        for page, text in pages.items()
        if "{% extends" in text
        and (fields := set(re.findall(r"forms\.(?:field|file|area|select|choice|tick|names)\((\w+)", text)))
    }
    assert len(silent) > 20
    assert {page: forms for page, forms in silent.items() if forms} == {}


async def test_no_secret_is_repeated(browse, standin):
    standin.refuse("/auth/login", 503)
    answer = await browse(NOBODY).post(
        "/sign-in/password", data={"email": "a@b.example", "password": "Never-repeated 1"}
    )
    assert (answer.status_code, "a@b.example" in answer.text, "Never-repeated" in answer.text) == (503, True, False)


async def test_whoever_views_reads_that_nothing_of_their_form_is_taken(browse):
    answer = await browse(VIEWING).post("/clients/new", data=TYPED)
    assert [words in answer.text for words in ("View only", "Käthe", "Send it again")] == [True, True, False]


@pytest.mark.parametrize("as_what", ["application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("path", ["/clients/new", "/kept-form/keep"])
async def test_a_form_with_too_many_inputs_is_not_read(browse, path, as_what):
    body = "&".join(f"unread{number}=Käthe" for number in range(2_001))
    answer = await browse(CLARA).post(path, content=body, headers={"Content-Type": as_what})
    assert (answer.status_code, "Send less at once" in answer.text, "Käthe" in answer.text) == (413, True, False)


async def test_a_form_with_as_many_inputs_as_may_be_is_shown(browse):
    data = {f"field-{number}": f"Said {number}" for number in range(1, 2_000)}  # and whose it is
    answer = await browse(POWERLESS).post("/clients/new", data=data)
    assert (answer.status_code, "Said 1999<" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "as_what", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
async def test_no_body_of_a_form_stays_in_memory(browse, as_what):
    parse_url_encoded_form_data.cache_clear()
    content = "email=a%40b.example&password=Never-kept"
    await browse(NOBODY).post("/sign-in/password", content=content, headers={"Content-Type": as_what})
    assert parse_url_encoded_form_data.cache_info().currsize == 0


async def test_a_code_is_typed_again_where_it_was_typed(browse, standin):
    standin.refuse("/auth/", 503)
    data = {"code": "135790", "recovery_code": "abcd-efgh", "token": ""}
    answer = await browse(NOBODY).post("/sign-in/link?from=here", data=data)
    assert [words in answer.text for words in ('action="/sign-in/link?from=here"', "135790", "abcd-efgh")] == [
        True,
        False,
        False,
    ]
    assert carried(data | {"country_code": "DE"}) == [("country_code", "DE")]


URI = "otpauth://totp/Northwind?secret=JBSWY3DPEHPK3PXP"
GIVEN = [("token", "a-mailed-one"), ("uri", URI), ("codes", "abcd-efgh ijkl-mnop"), ("credential", '{"id": "signed"}')]
"""What pages send along and nobody types."""


@pytest.mark.parametrize(("name", "secret"), GIVEN)
async def test_no_secret_of_a_page_comes_back_nor_is_its_form_sent_again_without_it(
    browse, back, standin, name, secret
):
    """Not on an error page, not in a proof, not after signing in."""
    clara, data = browse(CLARA), {"name": "Käthe", name: secret}
    standin.refuse("/clients", 503)
    refused, barred = (
        await clara.post("/clients/new", data=data),
        await browse(POWERLESS).post("/clients/new", data=data),
    )
    assert (barred.status_code, "Käthe" in barred.text, "Send it again" in barred.text) == (403, True, False)
    proof = await clara.post("/prove-it/ask?next=/clients/new", data=data)
    nobody = back(clara, NOBODY)
    await send(nobody, "/clients/new", data | {"opened_by": whose(CLARA)})
    kept = await back(nobody, CLARA).get("/kept-form")
    for page in (refused, barred, proof, kept):
        assert ("Käthe" in page.text, secret in unescape(page.text)) == (True, False)


async def test_recovery_codes_that_are_gone_are_not_a_file(browse):
    answer = await browse(CLARA).post("/security/two-factor/recovery-codes/file", data={})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/security/two-factor")


SENT_ALONG = {
    *(
        "active",
        "back",
        "client_id",
        "email",
        "expected",
        "language",
        "next",
        "once",
        "opened",
        "project_id",
        "replace",
        "sought-",
    ),
    *("status", "step", "team-", "theme", "upto", "version", "version-"),
}
"""Hidden inputs that a refused form repeats: what was chosen, and what was opened."""


def test_each_hidden_input_of_a_page_is_known_to_be_a_secret_or_none():
    found = set()
    for page in Path("services/portal").rglob("*.html"):
        for tag in re.findall(r'<input[^>]*type="hidden"[^>]*>', page.read_text()):
            found.add(re.search(r'name="([\w-]*)', tag)[1])
    assert {name for name in found if carried({name: "something"})} == SENT_ALONG | {""}


@pytest.mark.parametrize("body", ["name=Käthe&name=Müller+%26&empty=", "name=K%C3%A4the&name=M%C3%BCller%20%26&empty="])
def test_a_form_is_read_however_its_letters_are_written(body: str) -> None:
    """Browsers escape them, programs often do not; what is no UTF-8 is nobody's error page."""
    assert parsed(body.encode()) == {"name": ["Käthe", "Müller &"], "empty": [""]}
    assert parsed(b"name=\xff%ff") == {"name": ["\ufffd\ufffd"]}


@pytest.mark.parametrize(
    ("path", "typed", "group"),
    [
        ("/webhooks/new", {"name": "ERP", "url": "https://erp.example/hook"}, "types"),
        ("/api-clients/new", {"name": "ERP", "auth_method": "client_secret"}, "scopes"),
    ],
)
async def test_where_a_group_is_refused_the_focus_is_on_why(browse, path, typed, group):
    answer = await browse(CLARA).post(path, data=typed)
    assert answer.status_code == 422
    assert re.findall(r"<(\w+)[^>]*\bautofocus\b", answer.text) == ["p"]
    assert f'id="error-{group}" tabindex="-1" autofocus' in answer.text


def test_whatever_a_template_refuses_has_the_focus():
    """What says why is beside an input that has the focus, or has it itself: nobody is left at the top of the page."""
    said = 0
    for page in Path("services/portal").rglob("*.html"):
        source = page.read_text()
        for name in re.findall(r'id="error-([^"]+)"', source):
            beside = re.search(rf'aria-describedby="error-{re.escape(name)}"', source) and "autofocus" in source
            assert beside or f'id="error-{name}" tabindex="-1" autofocus' in source, (page.as_posix(), name)
            said += 1
    assert said > 3
