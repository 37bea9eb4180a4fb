"""Recorded sessions for staff, and how their readers are told (docs/decisions/0053)."""

import copy
import re

import msgspec
import pytest
from litestar import Litestar
from msgspec.structs import replace

from services.portal.clients.recordings import words
from services.portal.clients.recordings.views import Record
from services.portal.look import RECORDED_HEADER
from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.personnel import SESSION
from tests.portal.standin import ACME, BIRCH, uid
from tests.portal.test_client_access import OPEN
from tests.portal.test_clients import hidden

RECORDINGS = f"/clients/{ACME}/recordings"
ONE = f"{RECORDINGS}/{SESSION}"
AUDITOR = replace(CLARA, policies=frozenset({"viewAudit"}))
FRAGMENT = {"HX-Request": "true"}
TAB = f'href="{RECORDINGS}"'
LINE = "Your visit is recorded for compliance."
RECORDED = {RECORDED_HEADER: "1"}


def rows(page: str) -> list[str]:
    return [re.sub(r"<[^>]*>|\s+", " ", row) for row in page.split("<tr>") if "data-label" in row]


async def test_the_list_says_who_from_where_and_how_much(browse):
    page = (await browse(AUDITOR).get(RECORDINGS)).text
    for row, said in zip(
        rows(page),
        [
            ("Anna Keller", "Firefox 140 on Linux", "203.0.113.7", "Ended", " 7 "),
            ("Clara &lt;b&gt;Hoffmann", "Staff, viewing as the client", " 1 "),
            ("Somebody erased", " 3 "),
        ],
        strict=True,
    ):
        assert [each for each in said if each not in row] == []
    assert f'href="{ONE}"' in page


async def test_a_recording_is_read_in_words_and_in_order(browse, standin):
    page = (await browse(AUDITOR).get(ONE)).text
    assert [row.split()[:3] for row in rows(page)] == [
        ["Signed", "in", "·"], ["Dashboard", "Opened", "GET"], ["A", "project", "Opened"], ["Project", "·", "Name"],
        ["Clients", "›", "Contacts"], ["Milestones", "›", "Complete"], ["A", "milestone", "was"],
        ["Projects", "Read", "by"],
    ]  # fmt: skip
    assert f"GET /projects/{uid(1)}" in page
    [call] = [call for call in standin.calls if call.path == "/audit"]
    assert {"client_id": ACME, "session_id": SESSION, "oldest_first": "true", "visits": "opened"}.items() <= (
        call.query.items()
    )


async def test_only_actions_and_everything(browse):
    actions = (await browse(AUDITOR).get(ONE, params={"show": "actions"})).text
    assert re.search(r'aria-current="page">Only actions', actions)
    assert len(rows(actions)) == 4
    everything = rows((await browse(AUDITOR).get(ONE, params={"show": "all"})).text)
    assert len(everything) == 10
    assert any("Key figures" in row and "Refreshed" in row for row in everything)
    assert any("Live updates" in row and "Followed" in row for row in everything)
    odd = (await browse(AUDITOR).get(ONE, params={"show": "odd"})).text
    assert re.search(r'aria-current="page">Opened and done', odd)


async def test_further_lines_keep_what_is_shown(browse, standin):
    standin.state["records"] = [copy.deepcopy(standin.state["records"][1]) | {"id": uid(900 + n)} for n in range(60)]
    page = (await browse(AUDITOR).get(ONE, params={"show": "all"})).text
    more = re.search(r'href="(/clients/[^"]*cursor[^"]*)" hx-get', page)[1].replace("&amp;", "&")
    further = (await browse(AUDITOR).get(more, headers=FRAGMENT)).text
    assert (len(rows(page)), len(rows(further))) == (50, 10)
    assert "<table" not in further
    assert standin.calls[-1].query["visits"] == "all"


async def test_all_of_it_is_one_file(browse, standin):
    standin.state["records"] = [copy.deepcopy(standin.state["records"][1]) | {"id": uid(900 + n)} for n in range(230)]
    answer = await browse(AUDITOR).get(f"{ONE}/export")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="recording-{SESSION}.json"'
    document = msgspec.json.decode(answer.content)
    assert document["recording"]["session"]["id"] == SESSION
    assert [each["id"] for each in document["records"]] == [uid(900 + n) for n in range(230)]
    assert document["records"][0]["subject"] == uid(1)
    assert {call.query["visits"] for call in standin.calls if call.path == "/audit"} == {"all"}


@pytest.mark.parametrize("path", [ONE, f"{ONE}/export"])
async def test_one_that_is_not_there_is_not_there(browse, path):
    for other in (path.replace(SESSION, uid(99)), path.replace(ACME, BIRCH)):
        assert (await browse(AUDITOR).get(other)).status_code == 404


@pytest.mark.parametrize("actor", [ANNA, JONAS, replace(CLARA, assignments={})])
@pytest.mark.parametrize("path", [RECORDINGS, ONE, f"{ONE}/export"])
async def test_it_is_for_those_who_read_the_audit_log(browse, actor, path):
    assert (await browse(actor).get(path)).status_code == 403


async def test_the_tab_is_there_once_something_may_have_been_recorded(browse, standin):
    pages = (f"/clients/{ACME}", f"/clients/{ACME}/contacts", f"/clients/{ACME}/access")
    for path in pages:
        assert TAB not in (await browse(AUDITOR).get(path)).text
    standin.state["clients"][0]["recorded_since"] = "2026-02-02T09:30:02Z"
    for path in pages:
        assert TAB in (await browse(AUDITOR).get(path)).text
        assert TAB not in (await browse(JONAS).get(path)).text


async def test_the_switch_is_on_the_access_page(browse, standin):
    path = f"/clients/{ACME}/access"
    page = (await browse(CLARA).get(path)).text
    assert "For regulated clients" in page
    assert 'name="session_recording">' in page
    typed = {"sign_in_methods-magic_link": "on", "second_factor": "optional", "language": "en", "team_invites": "on"}
    typed |= {"allowed_networks": "192.0.2.0/24\n2001:db8::/32", "session_recording": "on"} | OPEN
    await browse(CLARA).post(path, data={**hidden(page), **typed})
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"session_recording": True})]
    assert 'name="session_recording" checked' in (await browse(CLARA).get(path)).text
    assert "<dt>Sessions are recorded</dt><dd>Yes</dd>" in (await browse(JONAS).get(path)).text


@pytest.mark.parametrize("path", ["/", "/projects", "/security", "/nowhere", f"/projects/{uid(99)}"])
async def test_every_page_says_so_and_no_other_does(browse, path):
    assert LINE in (await browse(ANNA).get(path, headers=RECORDED)).text
    assert LINE not in (await browse(ANNA).get(path)).text


async def test_the_security_page_says_what_is_recorded_and_what_is_not(browse):
    page = (await browse(ANNA).get("/security", headers=RECORDED)).text
    assert 'id="recording"' in page
    assert "what you type or search for" in page
    assert 'id="recording"' not in (await browse(ANNA).get("/security")).text


def test_every_page_of_the_portal_has_words(web: Litestar) -> None:
    """Whatever may stand in a recording reads as something, never as an empty line or an id."""
    for route in web.routes:
        path = re.sub(r"{[^}]+:uuid}", SESSION, re.sub(r"{[^}]+:(?:str|path)}", "*", route.path))
        said = words.place(path)
        assert said
        assert said[0].isupper()
        assert not re.search(r"[{*]|[0-9a-f]{8}-", said), path


def test_an_audit_type_nobody_here_knows_is_read_as_it_is_written() -> None:
    assert words.did("quote_accepted", {}) == "Quote accepted"
    assert words.did("quote_accepted", {"name": 5}) == "Quote accepted"


def test_looking_is_no_action() -> None:
    kinds = {"login": True, "view_project": False, "project_status_changed": True}
    for kind, acts in kinds.items():
        record = msgspec.convert({"id": uid(1), "type": kind, "at": "2026-02-02T09:30:02Z"}, Record)
        assert record.is_action is acts
